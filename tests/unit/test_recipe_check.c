// SPDX-License-Identifier: GPL-2.0-only
/* The last value that a recipe can have, and the first that it cannot. */
#include "check.h"
#include "recipe_scene.h"

#include "load/recipe_check.h"

#include <errno.h>
#include <limits.h>

static void possible(const struct recipe *r)
{
	struct error err = { "" };

	if (recipe_check(r, &err))
		fail_msg("%s", err.text);
}

static void impossible(const struct recipe *r, const char *what)
{
	struct error err = { "" };

	assert_int_equal(recipe_check(r, &err), -EBADMSG);
	if (!strstr(err.text, what))
		fail_msg("%s instead of %s", err.text, what);
}

/* @field may be @good, not @bad; afterwards it is what it was. */
#define BORDER(r, field, good, bad, what)                                                \
	do {                                                                             \
		__typeof__(field) was_ = (field);                                        \
		(field) = (good);                                                        \
		possible(r);                                                             \
		(field) = (bad);                                                         \
		impossible(r, what);                                                     \
		(field) = was_;                                                          \
	} while (0)

static void test_image(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;

	BORDER(r, r->loaded.tv_sec, 0, -1, "a time");
	BORDER(r, r->loaded.tv_nsec, 0, -1, "a time");
	BORDER(r, r->loaded.tv_nsec, 999999999, 1000000000, "a time");
	BORDER(r, r->refreshed.tv_sec, 0, -1, "a time");
	BORDER(r, r->refreshed.tv_nsec, 0, -1, "a time");
	BORDER(r, r->refreshed.tv_nsec, 999999999, 1000000000, "a time");
	BORDER(r, r->source[0], '!', ' ', "no word");
	BORDER(r, r->source[0], '~', 0x7f, "no word");
	BORDER(r, r->source[0], '\0', '\n', "no word");
	memset(r->source, 'x', sizeof(r->source));
	BORDER(r, r->source[RECIPE_SOURCE_SIZE - 1], '\0', 'x', "no word");
	/* the tag is in the first whole page */
	strcpy(r->source, "kmsg");
	BORDER(r, r->region.start, SCENE_REGION - 4095, SCENE_REGION - 4096, "the tag");
	BORDER(&s->file, s->file.region.end, SCENE_REGION + GIB, SCENE_REGION,
	       "is empty");
	BORDER(&s->file, s->file.image_id[15], 0, 1, "identity");
}

static void test_options(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct options *o = &r->options;
	char *path = malloc(PATH_MAX + 1), *append = malloc(65537);

	assert_non_null(path);
	assert_non_null(append);
	BORDER(r, o->method, METHOD_AUTO, METHOD_FILE, "another way");
	BORDER(r, o->method, METHOD_LOAD, METHOD_FILE + 1, "method is unknown");
	BORDER(&s->file, s->file.options.method, METHOD_AUTO, METHOD_LOAD, "another way");
	BORDER(r, o->seed, SEED_OFF, SEED_OFF + 1, "of the seed");
	BORDER(r, o->seed_timeout, 3600, 3601, "of the seed");
	BORDER(r, o->on_corruption, PURGATORY_BOOT, PURGATORY_BOOT + 1, "corruption");
	BORDER(r, o->serial_port, 0xffff, 0x10000, "serial");
	BORDER(r, o->serial_baud, 0, 1, "serial");
	BORDER(r, o->serial_baud, 9600, 7200, "serial");
	BORDER(r, o->serial_baud, 115200, 115201, "serial");
	BORDER(r, o->serial_baud, 57600, 57601, "serial");
	BORDER(r, o->vmgenid_given, true, false, "VM generation");
	o->vmgenid_addr = 0;
	o->vmgenid_given = false;
	possible(r);
	BORDER(r, o->load, true, false, "not the options");
	BORDER(r, o->target, KEXEC_TARGET_CRASH, KEXEC_TARGET_NORMAL, "not the options");
	memset(path, '/', PATH_MAX);
	memset(append, 'a', 65536);
	path[PATH_MAX] = append[65536] = '\0';
	BORDER(r, o->kernel, path + 1, path, "a path");
	BORDER(r, o->kernel, "/", NULL, "a path");
	BORDER(r, o->initrd, path + 1, path, "a path");
	BORDER(r, o->initrd, "/", "", "a path");
	BORDER(r, o->append, append + 1, append, "length");
	BORDER(r, o->reuse_initrd, false, true, "two initrds");
	o->initrd = NULL;
	impossible(r, "a digest without an initrd");
	BORDER(r, o->reuse_initrd, true, false, "a digest");
	memset(r->initrd_digest, 0, sizeof(r->initrd_digest));
	impossible(r, "an initrd without a file");
	free(path);
	free(append);
}

static void test_segments(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct plan *p = &r->plan;
	struct segment *kernel = plan_segment(p, PURGATORY_KIND_KERNEL);
	struct segment *initrd = plan_segment(p, PURGATORY_KIND_INITRD);
	struct segment *self = plan_segment(p, PURGATORY_KIND_PURGATORY);
	struct segment *params = plan_segment(p, PURGATORY_KIND_BOOT_DATA);
	struct segment *seed = plan_segment(p, PURGATORY_KIND_SEED);
	uint64_t end = initrd->addr + initrd->mem_size;

	r->neighbour.addr = SCENE_REGION;
	((struct purgatory_params *)p->purgatory_block)->nr_checks = 0;
	BORDER(r, r->region.end, end, end - 1, "outside of the crash region");
	BORDER(r, initrd->addr, r->region.end - initrd->mem_size,
	       r->region.end - initrd->mem_size + PAGE, "outside");
	BORDER(r, initrd->addr, kernel->addr + kernel->mem_size,
	       kernel->addr + kernel->mem_size - PAGE, "overlap");
	BORDER(r, kernel->content.size, kernel->mem_size, kernel->mem_size + 1,
	       "smaller than its content");
	BORDER(r, p->nr_segments, 7, PLAN_MAX_SEGMENTS + 1, "too many");
	BORDER(r, p->hole.end, self->addr, self->addr + 1, "in the hole");
	BORDER(r, p->hole.start, SCENE_REGION + PAGE, SCENE_REGION + PAGE - 1,
	       "in the hole");
	BORDER(r, p->hole.start, p->hole.end, p->hole.end + 1, "hole is outside");
	BORDER(r, p->has_seed, true, false, "a seed without");
	/* what a refresh replaces must not be above what stays */
	BORDER(r, params->addr, params->addr, end, "order");
	BORDER(r, seed->addr, seed->addr, SCENE_REGION, "overlap");
	p->hole = (struct range){ end, end };
	BORDER(r, p->hole.end, r->region.end, r->region.end + 1, "hole is outside");
	/* in whatever order they are listed */
	for (size_t i = 0; i < p->nr_segments / 2; i++) {
		struct segment first = p->segments[i];

		p->segments[i] = p->segments[p->nr_segments - 1 - i];
		p->segments[p->nr_segments - 1 - i] = first;
	}
	possible(r);
}

/* Takes a segment off the list. */
static void take_out(struct plan *p, size_t i)
{
	p->nr_segments--;
	memmove(&p->segments[i], &p->segments[i + 1],
		(p->nr_segments - i) * sizeof(p->segments[0]));
}

static void test_missing(void **state)
{
	struct scene *s = *state;
	struct plan *p = &s->load.plan, whole = *p;

	for (size_t i = 0; i < whole.nr_segments; i++) {
		enum purgatory_kind kind = whole.segments[i].kind;
		char what[64];

		snprintf(what, sizeof(what), "a plan without a %s", segment_name(kind));
		take_out(p, i);
		impossible(&s->load, kind == PURGATORY_KIND_SEED     ? "a seed without"
				     : kind == PURGATORY_KIND_INITRD ? "an initrd without"
								     : what);
		*p = whole;
	}
	take_out(p, 4);
	p->has_seed = false;
	impossible(&s->load, "no seed, but its header");
	p->seed_header = (struct seed_header){ 0 };
	((struct purgatory_params *)p->purgatory_block)->nr_checks = 0;
	((struct purgatory_params *)p->purgatory_block)->mix_target = 0;
	possible(&s->load);
	BORDER(&s->load, p->seed_header.next, 0, p->boot_params_addr, "its header");
	BORDER(&s->load, p->seed_header.type, 0, SETUP_RNG_SEED, "its header");
	BORDER(&s->load, p->seed_header.len, 0, SEED_SIZE, "its header");
}

static void test_blocks(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct plan *p = &r->plan;
	const struct segment *params = plan_find(p, PURGATORY_KIND_BOOT_DATA);
	uint64_t end = params->addr + params->content.size;

	BORDER(r, p->tag, p->tag, NULL, "is missing");
	BORDER(r, p->params_block, p->params_block, NULL, "is missing");
	BORDER(r, p->purgatory_block, p->purgatory_block, NULL, "is missing");
	BORDER(r, p->elfcorehdr_block, p->elfcorehdr_block, NULL, "is missing");
	BORDER(r, p->elfcorehdr_size, SCENE_HEADERS, SCENE_HEADERS - 1, "another size");
	BORDER(r, p->params_size, SCENE_PARAMS, SCENE_PARAMS + 1, "another size");
	BORDER(r, p->tag->id[15], 0x1d, 0x1e, "another image");
	BORDER(r, p->cmdline_offset, 4096, 4095, "command line");
	BORDER(r, p->cmdline_offset, SCENE_PARAMS - 1, SCENE_PARAMS, "command line");
	p->params_block[SCENE_PARAMS - 1] = 'x';
	BORDER(r, p->cmdline_offset, SCENE_PARAMS - 2, SCENE_PARAMS - 1, "command line");
	BORDER(r, p->seed_header.next, end - 16, end - 15, "out of its block");
	BORDER(r, p->seed_header.next, params->addr, params->addr - 1, "out of its");
	BORDER(r, p->seed_header.next, 0, 1, "out of its block");
	BORDER(r, p->seed_header.len, SEED_SIZE, SEED_SIZE - 1, "header");
	BORDER(r, p->boot_params_addr, params->addr, params->addr + 1, "boot_params");
}

static void test_purgatory(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct plan *p = &r->plan;
	struct purgatory_params *params = (void *)p->purgatory_block;
	const struct segment *self = plan_find(p, PURGATORY_KIND_PURGATORY);
	const struct segment *kernel = plan_find(p, PURGATORY_KIND_KERNEL);

	BORDER(r, params->mem_size, params->file_size, params->file_size - 1, "size");
	BORDER(r, params->mem_size, params->pgt_pool - self->addr,
	       params->pgt_pool - self->addr + 1, "page tables");
	BORDER(r, params->pgt_pages, 8, 9, "page tables");
	BORDER(r, params->pgt_pages, 0, 1ull << 52, "page tables"); /* no bytes at all */
	BORDER(r, params->pgt_pool, params->pgt_pool, params->pgt_pool + 1, "tables");
	BORDER(r, params->nr_maps, PURGATORY_MAX_MAPS, PURGATORY_MAX_MAPS + 1, "map");
	BORDER(r, params->mix_target, 0, 1, "other addresses");
	BORDER(r, params->kernel_entry, p->kernel_entry, p->kernel_entry + 1,
	       "addresses");
	BORDER(r, params->checks[4].size, PAGE, PAGE + 1, "not loaded");
	BORDER(r, params->checks[5].size, SCENE_KERNEL, SCENE_KERNEL + 1, "not loaded");
	params->entry_offset = sizeof(*params);
	BORDER(r, p->entry, self->addr + sizeof(*params), self->addr, "entry");
	params->entry_offset = params->file_size - 1;
	BORDER(r, p->entry, self->addr + params->file_size - 1, self->addr, "entry");
	p->entry = self->addr + --params->entry_offset;
	possible(r);
	p->entry = self->addr + (params->entry_offset = params->file_size);
	impossible(r, "entry is not in the purgatory");
	p->entry = self->addr + (params->entry_offset = sizeof(*params) - 1);
	impossible(r, "entry is not in the purgatory");
	p->entry = self->addr + (params->entry_offset = sizeof(*params));
	params->kernel_entry = kernel->addr + kernel->mem_size - 1;
	BORDER(r, p->kernel_entry, params->kernel_entry, params->kernel_entry + 1,
	       "not in the kernel");
}

static void test_stretches(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->file;
	uint64_t end = r->region.end;

	BORDER(r, r->neighbour.addr, end - 65536, end - 65535, "a digest of what");
	BORDER(r, r->neighbour.addr, r->region.start, r->region.start - 1, "a digest of");
	BORDER(r, r->boot_params.addr, end - 4096, end - 4095, "a digest of what");
	BORDER(r, r->seed_node, end - SEED_NODE_SIZE, end - SEED_NODE_SIZE + 1,
	       "the seed is outside");
	BORDER(r, r->seed_node, 0, 1, "the seed is outside");
	r->neighbour = r->boot_params = (struct recipe_check){ 0 }; /* not found */
	possible(r);
}

int main(void)
{
#define RECIPE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		RECIPE_TEST(test_image),     RECIPE_TEST(test_options),
		RECIPE_TEST(test_segments),  RECIPE_TEST(test_missing),
		RECIPE_TEST(test_blocks),    RECIPE_TEST(test_purgatory),
		RECIPE_TEST(test_stretches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
