// SPDX-License-Identifier: GPL-2.0-only
/* The recipe's format: there and back, and everything that is no recipe. */
#include "check.h"
#include "recipe_scene.h"

#include <endian.h>
#include <errno.h>

static void same_options(const struct options *a, const struct options *b)
{
	struct options x = *a, y = *b;

	assert_string_equal(x.kernel, y.kernel);
	assert_string_equal(x.initrd, y.initrd);
	assert_string_equal(x.append, y.append);
	x.kernel = y.kernel = x.initrd = y.initrd = x.append = y.append = NULL;
	assert_true(x.load == y.load && x.target == y.target && x.method == y.method);
	assert_true(x.mem_min == y.mem_min && x.mem_max == y.mem_max);
	assert_true(x.noefi == y.noefi && x.hotplug == y.hotplug &&
		    x.memmap_cmdline == y.memmap_cmdline && x.no_checks == y.no_checks);
	assert_true(x.on_corruption == y.on_corruption && x.seed == y.seed &&
		    x.mix_off == y.mix_off && x.seed_timeout == y.seed_timeout);
	assert_true(x.vmgenid_given == y.vmgenid_given &&
		    x.vmgenid_addr == y.vmgenid_addr);
	assert_true(x.console_vga == y.console_vga &&
		    x.console_serial == y.console_serial &&
		    x.entry_32bit == y.entry_32bit && x.serial_port == y.serial_port &&
		    x.serial_baud == y.serial_baud);
	assert_true(x.reuse_initrd == y.reuse_initrd);
}

static void same_check(const struct recipe_check *a, const struct recipe_check *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

static void same_rest(const struct recipe *a, const struct recipe *b)
{
	assert_int_equal(a->method, b->method);
	assert_memory_equal(a->boot_id, b->boot_id, sizeof(a->boot_id));
	assert_memory_equal(a->image_id, b->image_id, sizeof(a->image_id));
	assert_memory_equal(&a->loaded, &b->loaded, sizeof(a->loaded));
	assert_memory_equal(&a->refreshed, &b->refreshed, sizeof(a->refreshed));
	assert_int_equal(a->refreshes, b->refreshes);
	assert_string_equal(a->source, b->source);
	assert_memory_equal(&a->region, &b->region, sizeof(a->region));
	assert_memory_equal(a->kernel_digest, b->kernel_digest, SHA256_SIZE);
	assert_memory_equal(a->initrd_digest, b->initrd_digest, SHA256_SIZE);
	same_check(&a->neighbour, &b->neighbour);
	same_check(&a->boot_params, &b->boot_params);
	assert_int_equal(a->seed_node, b->seed_node);
	same_options(&a->options, &b->options);
}

static void same_segments(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->nr_segments, b->nr_segments);
	for (size_t i = 0; i < a->nr_segments; i++) {
		const struct segment *x = &a->segments[i], *y = &b->segments[i];

		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->addr, y->addr);
		assert_int_equal(x->mem_size, y->mem_size);
		assert_true(!y->content.data == (!plan_is_dynamic(y->kind) ||
						 y->kind == PURGATORY_KIND_SEED));
		assert_int_equal(y->content.size,
				 y->kind == PURGATORY_KIND_SEED ? 0 : x->content.size);
	}
}

static void same_plan(const struct plan *a, const struct plan *b)
{
	same_segments(a, b);
	assert_int_equal(a->entry, b->entry);
	assert_int_equal(a->kernel_entry, b->kernel_entry);
	assert_int_equal(a->boot_params_addr, b->boot_params_addr);
	assert_int_equal(a->params_size, b->params_size);
	assert_int_equal(a->elfcorehdr_size, b->elfcorehdr_size);
	assert_memory_equal(a->tag, b->tag, sizeof(*a->tag));
	assert_memory_equal(a->params_block, b->params_block, a->params_size);
	assert_memory_equal(a->elfcorehdr_block, b->elfcorehdr_block, a->elfcorehdr_size);
	assert_memory_equal(&a->seed_header, &b->seed_header, sizeof(a->seed_header));
	assert_memory_equal(&a->hole, &b->hole, sizeof(a->hole));
	assert_true(a->has_seed == b->has_seed && a->hotplug == b->hotplug);
	assert_string_equal(plan_command_line(a), plan_command_line(b));
	assert_int_equal(b->nr_nodes, 0);
	assert_int_equal(b->e820.count, 0);
}

static void test_there_and_back(void **state)
{
	struct scene *s = *state;
	struct purgatory_params *p = (void *)s->load.plan.purgatory_block;
	uint8_t *again;
	size_t size = 0;

	assert_int_equal(decode(s, s->data, s->size), 0);
	same_rest(&s->load, &s->out);
	same_plan(&s->load.plan, &s->out.plan);
	/* the same purgatory but for what tells of the seed */
	for (uint32_t i = 0; i < p->nr_checks; i++)
		if (p->checks[i].kind == PURGATORY_KIND_SEED)
			memset(p->checks[i].digest, 0, SHA256_SIZE);
	memset(p->self_sha256, 0, SHA256_SIZE);
	assert_memory_equal(p, s->out.plan.purgatory_block, p->file_size);
	/* and there is one way to write it */
	assert_int_equal(recipe_encode(&s->out, &again, &size, &s->err), 0);
	assert_int_equal(size, s->size);
	assert_memory_equal(again, s->data, size);
	free(again);
}

static void test_file_load(void **state)
{
	struct scene *s = *state;
	uint8_t *data;
	size_t size = 0;

	assert_int_equal(recipe_encode(&s->file, &data, &size, &s->err), 0);
	assert_int_equal(decode(s, data, size), 0);
	same_rest(&s->file, &s->out);
	assert_int_equal(s->out.plan.nr_segments, 0);
	free(data);
}

/* Bits of the options in their order; where they are in an encoded recipe. */
static const size_t flags[] = { offsetof(struct options, reuse_initrd),
				offsetof(struct options, noefi),
				offsetof(struct options, hotplug),
				offsetof(struct options, memmap_cmdline),
				offsetof(struct options, no_checks),
				offsetof(struct options, mix_off),
				offsetof(struct options, vmgenid_given),
				offsetof(struct options, console_vga),
				offsetof(struct options, console_serial),
				offsetof(struct options, entry_32bit) };
#define FLAGS_AT (24 + 8 + 120 + 8) /* header, the record before, and its own header */

/* Each has a bit of its own, as kexec-seed-recipe(5) has them. */
static void test_flags(void **state)
{
	struct scene *s = *state;
	struct options *o = &s->file.options;

	o->vmgenid_addr = 0;
	o->initrd = NULL;
	memset(s->file.initrd_digest, 0, SHA256_SIZE);
	for (size_t set = 0; set <= COUNT(flags); set++) {
		size_t size = 0;
		uint8_t *data;
		uint32_t word;

		for (size_t i = 0; i < COUNT(flags); i++)
			*(bool *)((char *)o + flags[i]) = i == set;
		assert_int_equal(recipe_encode(&s->file, &data, &size, &s->err), 0);
		memcpy(&word, data + FLAGS_AT, sizeof(word));
		assert_int_equal(le32toh(word), set < COUNT(flags) ? 1u << set : 0);
		assert_int_equal(decode(s, data, size), 0);
		for (size_t i = 0; i < COUNT(flags); i++)
			assert_int_equal(*(bool *)((char *)&s->out.options + flags[i]),
					 i == set);
		free(data);
	}
}

static void test_flags_of_the_plan(void **state)
{
	struct scene *s = *state;
	uint8_t *data;
	size_t size = 0;

	s->load.plan.hotplug = false;
	assert_int_equal(recipe_encode(&s->load, &data, &size, &s->err), 0);
	assert_int_equal(decode(s, data, size), 0);
	assert_false(s->out.plan.hotplug);
	assert_true(s->out.plan.has_seed);
	free(data);
}

/* What may be absent, is. */
static void test_bare(void **state)
{
	struct scene *s = *state;
	struct plan *p = &s->load.plan;
	struct options *o = &s->load.options;
	uint8_t *data;
	size_t size = 0;

	o->initrd = o->append = NULL;
	memset(s->load.initrd_digest, 0, SHA256_SIZE);
	p->nr_segments -= 3; /* initrd, kernel, seed */
	p->segments[p->nr_segments] = p->segments[p->nr_segments + 1];
	p->nr_segments++;
	p->has_seed = false;
	p->seed_header = (struct seed_header){ 0 };
	((struct purgatory_params *)p->purgatory_block)->nr_checks = 0;
	((struct purgatory_params *)p->purgatory_block)->mix_target = 0;
	if (recipe_encode(&s->load, &data, &size, &s->err))
		fail_msg("%s", s->err.text);
	assert_int_equal(decode(s, data, size), 0);
	assert_null(s->out.options.initrd);
	assert_null(s->out.options.append);
	assert_false(s->out.plan.has_seed);
	free(data);

	s->file.options.initrd = NULL;
	s->file.options.reuse_initrd = true;
	assert_int_equal(recipe_encode(&s->file, &data, &size, &s->err), 0);
	assert_int_equal(decode(s, data, size), 0);
	assert_null(s->out.options.initrd);
	assert_true(s->out.options.reuse_initrd);
	assert_int_equal(s->out.initrd_digest[0], 0x22);
	free(data);
}

/* Neither the seed's bytes nor its digest, of which the scene is full. */
static void test_holds_no_secret(void **state)
{
	static const uint8_t secret[8] = { [0 ... 7] = SCENE_SECRET };
	struct scene *s = *state;
	struct purgatory_params *p = (void *)s->load.plan.purgatory_block;
	uint8_t *data;
	size_t size = 0;

	assert_null(memmem(s->data, s->size, secret, sizeof(secret)));
	/* one that nobody checks, too */
	p->checks[PURGATORY_MAX_CHECKS - 1].kind = PURGATORY_KIND_SEED;
	memset(p->checks[PURGATORY_MAX_CHECKS - 1].digest, SCENE_SECRET, SHA256_SIZE);
	assert_int_equal(recipe_encode(&s->load, &data, &size, &s->err), 0);
	assert_null(memmem(data, size, secret, sizeof(secret)));
	free(data);
}

static void test_truncated(void **state)
{
	struct scene *s = *state;

	for (size_t size = 0; size < s->size; size++)
		assert_int_equal(decode(s, s->data, size), -EBADMSG);
	assert_memory_equal(s->err.text, "truncated: ", 11);
	assert_int_equal(decode(s, s->data, 5), -EBADMSG);
	assert_non_null(strstr(s->err.text, "truncated: 5 bytes"));
	/* too short for a checksum, also when it says so itself */
	memset(s->data + 16, 0, 8);
	s->data[16] = 55;
	assert_int_equal(decode(s, s->data, 55), -EBADMSG);
	assert_non_null(strstr(s->err.text, "truncated: 55 bytes"));
}

static void test_flipped(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < s->size; i++) {
		s->data[i] ^= 1u << (i % 8);
		assert_int_equal(decode(s, s->data, s->size),
				 i >= 8 && i < 12 ? -EPROTO : -EBADMSG);
		s->data[i] ^= 1u << (i % 8);
	}
	assert_int_equal(decode(s, s->data, s->size), 0);
}

static void test_other_version(void **state)
{
	struct scene *s = *state;

	s->data[8] = 7; /* whatever else a newer one has changed, its checksum too */
	s->data[s->size - 1] ^= 1;
	assert_int_equal(decode(s, s->data, s->size), -EPROTO);
	assert_string_equal(s->err.text, "of version 7, this program knows 1");
	s->data[0] = 'k';
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_non_null(strstr(s->err.text, "no recipe"));
}

static void test_too_long(void **state)
{
	struct scene *s = *state;
	uint8_t *data = calloc(1, s->size + 8);

	assert_non_null(data);
	memcpy(data, s->data, s->size);
	assert_int_equal(decode(s, data, s->size + 8), -EBADMSG);
	assert_non_null(strstr(s->err.text, "too long"));
	free(data);
}

int main(void)
{
#define RECIPE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		RECIPE_TEST(test_there_and_back), RECIPE_TEST(test_file_load),
		RECIPE_TEST(test_flags),	  RECIPE_TEST(test_flags_of_the_plan),
		RECIPE_TEST(test_bare),		  RECIPE_TEST(test_holds_no_secret),
		RECIPE_TEST(test_truncated),	  RECIPE_TEST(test_flipped),
		RECIPE_TEST(test_other_version),  RECIPE_TEST(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
