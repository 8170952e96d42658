// SPDX-License-Identifier: GPL-2.0-only
/* The recipe's format: encoding, decoding, and files that are not recipes. */
#include "check.h"
#include "recipe_scene.h"

#include <endian.h>
#include <errno.h>

static void same_request(const struct load_request *a, const struct load_request *b)
{
	assert_string_equal(a->kernel, b->kernel);
	assert_string_equal(a->initrd, b->initrd);
	assert_string_equal(a->cmdline, b->cmdline);
	assert_string_equal(a->root, b->root);
	assert_true(a->target == b->target && a->method == b->method);
	assert_true(a->mem_min == b->mem_min && a->mem_max == b->mem_max);
	assert_true(a->noefi == b->noefi && a->hotplug == b->hotplug &&
		    a->memmap_cmdline == b->memmap_cmdline &&
		    a->no_checks == b->no_checks);
	assert_true(a->on_corruption == b->on_corruption && a->seed == b->seed &&
		    a->mix_off == b->mix_off && a->seed_timeout == b->seed_timeout);
	assert_true(a->vmgenid_given == b->vmgenid_given &&
		    a->vmgenid_addr == b->vmgenid_addr);
	assert_true(a->console_vga == b->console_vga &&
		    a->console_serial == b->console_serial &&
		    a->entry_32bit == b->entry_32bit &&
		    a->serial_port == b->serial_port && a->serial_baud == b->serial_baud);
	assert_true(a->reuse_initrd == b->reuse_initrd);
}

static void same_range(const struct known_range *a, const struct known_range *b)
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
	assert_memory_equal(&a->generation, &b->generation, sizeof(a->generation));
	assert_memory_equal(a->kernel_digest, b->kernel_digest, SHA256_SIZE);
	assert_memory_equal(a->initrd_digest, b->initrd_digest, SHA256_SIZE);
	same_range(&a->guard, &b->guard);
	same_range(&a->boot_data, &b->boot_data);
	assert_int_equal(a->seed_node, b->seed_node);
	same_request(&a->request, &b->request);
}

static void same_segments(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->nr_segments, b->nr_segments);
	for (size_t i = 0; i < a->nr_segments; i++) {
		const struct segment *x = &a->segments[i], *y = &b->segments[i];

		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->addr, y->addr);
		assert_int_equal(x->mem_size, y->mem_size);
		assert_true(!y->content.data ==
			    (!segment_is_refreshed(y->kind) || y->kind == SEGMENT_SEED));
		assert_int_equal(y->content.size,
				 y->kind == SEGMENT_SEED ? 0 : x->content.size);
	}
}

static void same_plan(const struct plan *a, const struct plan *b)
{
	same_segments(a, b);
	assert_int_equal(a->entry, b->entry);
	assert_int_equal(a->kernel_entry, b->kernel_entry);
	assert_int_equal(a->boot_data_addr, b->boot_data_addr);
	assert_int_equal(a->boot_data_size, b->boot_data_size);
	assert_int_equal(a->elfcorehdr_size, b->elfcorehdr_size);
	assert_memory_equal(a->image_id, b->image_id, sizeof(*a->image_id));
	assert_memory_equal(a->boot_data, b->boot_data, a->boot_data_size);
	assert_memory_equal(a->elfcorehdr_block, b->elfcorehdr_block, a->elfcorehdr_size);
	assert_int_equal(a->page_size, b->page_size);
	assert_int_equal(a->seed_prefix_size, b->seed_prefix_size);
	assert_memory_equal(a->seed_prefix, b->seed_prefix, sizeof(a->seed_prefix));
	assert_int_equal(a->seed_slot.segment, b->seed_slot.segment);
	assert_int_equal(a->seed_slot.offset, b->seed_slot.offset);
	assert_memory_equal(&a->control_reserve, &b->control_reserve,
			    sizeof(a->control_reserve));
	assert_true(a->has_seed == b->has_seed && a->hotplug == b->hotplug);
	assert_string_equal(plan_command_line(a), plan_command_line(b));
	assert_int_equal(b->memory.count, 0);
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
	/* the same purgatory, except for digests that tell something of the seed */
	for (uint32_t i = 0; i < p->nr_checks; i++)
		if (p->checks[i].kind == PURGATORY_KIND_SEED)
			memset(p->checks[i].digest, 0, SHA256_SIZE);
	memset(p->self_sha256, 0, SHA256_SIZE);
	assert_memory_equal(p, s->out.plan.purgatory_block, p->file_size);
	/* encoding is unambiguous */
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

/* The flags of the request in the order of their bits, and where the file has them. */
static const size_t flags[] = { offsetof(struct load_request, reuse_initrd),
				offsetof(struct load_request, noefi),
				offsetof(struct load_request, hotplug),
				offsetof(struct load_request, memmap_cmdline),
				offsetof(struct load_request, no_checks),
				offsetof(struct load_request, mix_off),
				offsetof(struct load_request, vmgenid_given),
				offsetof(struct load_request, console_vga),
				offsetof(struct load_request, console_serial),
				offsetof(struct load_request, entry_32bit) };
#define FLAGS_AT (24 + 8 + 120 + 8) /* header, the record before, and its own header */

/* Each flag has the bit that kexec-seed-recipe(5) gives it. */
static void test_flags(void **state)
{
	struct scene *s = *state;
	struct load_request *o = &s->file.request;

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
			assert_int_equal(*(bool *)((char *)&s->out.request + flags[i]),
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

/* A recipe without any optional part. */
static void test_bare(void **state)
{
	struct scene *s = *state;
	struct plan *p = &s->load.plan;
	struct load_request *o = &s->load.request;
	uint8_t *data;
	size_t size = 0;

	o->initrd = o->cmdline = NULL;
	memset(s->load.initrd_digest, 0, SHA256_SIZE);
	p->nr_segments -= 3; /* initrd, kernel, seed */
	p->segments[p->nr_segments] = p->segments[p->nr_segments + 1];
	p->nr_segments++;
	p->has_seed = false;
	memset(p->seed_prefix, 0, sizeof(p->seed_prefix));
	((struct purgatory_params *)p->purgatory_block)->nr_checks = 0;
	((struct purgatory_params *)p->purgatory_block)->mix_target = 0;
	if (recipe_encode(&s->load, &data, &size, &s->err))
		fail_msg("%s", s->err.text);
	assert_int_equal(decode(s, data, size), 0);
	assert_null(s->out.request.initrd);
	assert_null(s->out.request.cmdline);
	assert_false(s->out.plan.has_seed);
	free(data);

	s->file.request.initrd = NULL;
	s->file.request.reuse_initrd = true;
	assert_int_equal(recipe_encode(&s->file, &data, &size, &s->err), 0);
	assert_int_equal(decode(s, data, size), 0);
	assert_null(s->out.request.initrd);
	assert_true(s->out.request.reuse_initrd);
	assert_int_equal(s->out.initrd_digest[0], 0x22);
	free(data);
}

/* Neither the seed nor a digest of it: the scene is full of both. */
static void test_holds_no_secret(void **state)
{
	static const uint8_t secret[8] = { [0 ... 7] = SCENE_SECRET };
	struct scene *s = *state;
	struct purgatory_params *p = (void *)s->load.plan.purgatory_block;
	uint8_t *data;
	size_t size = 0;

	assert_null(memmem(s->data, s->size, secret, sizeof(secret)));
	/* nor one behind nr_checks */
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
	/* too short for a checksum, even if the length in the header agrees */
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

/* Turns the purgatory into one of another version, whose parameters have moved. */
static void age_purgatory(struct scene *s, uint32_t version)
{
	uint8_t *at = s->data + scene_find_purgatory(s->data, s->size);
	const size_t from = offsetof(struct purgatory_params, maps);
	const size_t more = sizeof(((struct purgatory_params *)0)->kernel_memory);

	version = htole32(version);
	memcpy(at + offsetof(struct purgatory_params, version), &version, 4);
	memmove(at + from - more, at + from, sizeof(struct purgatory_params) - from);
	scene_seal(s->data, s->size);
}

/* What a full reload needs is read; the plan has addresses, but no purgatory to load. */
static void test_older_purgatory(void **state)
{
	struct scene *s = *state;
	const struct segment *kernel = plan_find(&s->load.plan, SEGMENT_KERNEL);
	uint8_t digest[SHA256_SIZE], *again;
	size_t size;

	memset(digest, 0x15, sizeof(digest)); /* scene_checks(): the sixth segment */
	age_purgatory(s, PURGATORY_VERSION - 1);
	if (decode(s, s->data, s->size))
		fail_msg("%s", s->err.text);
	assert_true(s->out.outdated);
	same_rest(&s->load, &s->out);
	assert_null(plan_purgatory(&s->out.plan));
	assert_null(plan_find(&s->out.plan, SEGMENT_PURGATORY)->content.data);
	assert_non_null(plan_find(&s->out.plan, SEGMENT_IMAGE_ID)->content.data);
	assert_int_equal(s->out.kernel.addr, kernel->addr);
	assert_int_equal(s->out.kernel.size, kernel->content.size);
	assert_memory_equal(s->out.kernel.digest, digest, sizeof(digest));
	/* it cannot be written as if it were of this version */
	assert_int_equal(recipe_encode(&s->out, &again, &size, &s->err), -EINVAL);
	assert_non_null(strstr(s->err.text, "older version"));
	/* a purgatory of this version is not outdated */
	recipe_free(&s->out);
	assert_false(s->out.outdated);
}

/* Version 1 had no generation, and no other difference. */
static void test_older_version(void **state)
{
	struct scene *s = *state;
	const size_t record = 8 + 40;
	uint8_t *again;
	size_t size = s->size;

	s->data[8] = 1;
	scene_seal(s->data, size);
	assert_int_equal(decode(s, s->data, size), -EBADMSG);
	assert_string_equal(s->err.text, "record generation: does not belong here");
	size -= record;
	scene_seal(s->data, size);
	if (decode(s, s->data, size))
		fail_msg("%s", s->err.text);
	assert_true(s->out.outdated);
	assert_false(s->out.generation.has_id || s->out.generation.has_count);
	s->load.generation = s->out.generation;
	same_rest(&s->load, &s->out);
	same_plan(&s->load.plan, &s->out.plan);
	assert_int_equal(recipe_encode(&s->out, &again, &size, &s->err), -EINVAL);
	s->data[8] = 2;
	scene_seal(s->data, s->size - record);
	assert_int_equal(decode(s, s->data, s->size - record), -EBADMSG);
	assert_string_equal(s->err.text, "record generation: missing");
}

/* A newer one is not understood, nor is one that only claims to be older. */
static void test_newer_purgatory(void **state)
{
	struct scene *s = *state;
	uint8_t *at = s->data + scene_find_purgatory(s->data, s->size);

	age_purgatory(s, PURGATORY_VERSION - 1);
	at[offsetof(struct purgatory_params, file_size)] ^= 8;
	scene_seal(s->data, s->size);
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	at[offsetof(struct purgatory_params, file_size)] ^= 8;
	at[offsetof(struct purgatory_params, version)] = PURGATORY_VERSION + 1;
	memset(at + offsetof(struct purgatory_params, self_sha256), 0, SHA256_SIZE);
	for (size_t i = 0; i < PURGATORY_MAX_CHECKS; i++)
		memset(at + offsetof(struct purgatory_params, checks) +
			       i * sizeof(struct purgatory_check),
		       0, sizeof(struct purgatory_check));
	scene_seal(s->data, s->size);
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_non_null(strstr(s->err.text, "the purgatory is of a newer version"));
}

static void test_other_version(void **state)
{
	struct scene *s = *state;

	s->data[8] = 7; /* a newer version may change the checksum, too */
	s->data[s->size - 1] ^= 1;
	assert_int_equal(decode(s, s->data, s->size), -EPROTO);
	assert_string_equal(s->err.text,
			    "version 7; this program knows version 2: a newer "
			    "kexec has written it");
	s->data[8] = 0;
	assert_int_equal(decode(s, s->data, s->size), -EPROTO);
	assert_string_equal(s->err.text, "version 0; this program knows version 2");
	s->data[0] = 'k';
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_non_null(strstr(s->err.text, "not a recipe"));
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
		RECIPE_TEST(test_there_and_back),
		RECIPE_TEST(test_file_load),
		RECIPE_TEST(test_flags),
		RECIPE_TEST(test_flags_of_the_plan),
		RECIPE_TEST(test_bare),
		RECIPE_TEST(test_holds_no_secret),
		RECIPE_TEST(test_truncated),
		RECIPE_TEST(test_flipped),
		RECIPE_TEST(test_other_version),
		RECIPE_TEST(test_too_long),
		RECIPE_TEST(test_older_purgatory),
		RECIPE_TEST(test_older_version),
		RECIPE_TEST(test_newer_purgatory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
