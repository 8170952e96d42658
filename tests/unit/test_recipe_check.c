// SPDX-License-Identifier: GPL-2.0-only
/* recipe_check(): for each rule the last value it accepts and the first it refuses. */
#include "check.h"
#include "recipe_scene.h"

#include "load/recipe_check.h"

#include <errno.h>
#include <limits.h>

#define NODE_SIZE (sizeof(struct setup_data) + SEED_SIZE)

static void accepted(const struct recipe *r)
{
	struct error err = { "" };

	if (recipe_check(r, &err))
		fail_msg("%s", err.text);
}

static void refused(const struct recipe *r, const char *what)
{
	struct error err = { "" };

	assert_int_equal(recipe_check(r, &err), -EBADMSG);
	if (!strstr(err.text, what))
		fail_msg("%s instead of %s", err.text, what);
}

/* Accepts @good and refuses @bad as the value of @field, which is restored. */
#define BORDER(r, field, good, bad, what)                                                \
	do {                                                                             \
		__typeof__(field) was_ = (field);                                        \
		(field) = (good);                                                        \
		accepted(r);                                                             \
		(field) = (bad);                                                         \
		refused(r, what);                                                        \
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
	BORDER(r, r->source[0], '!', ' ', "not a word");
	BORDER(r, r->source[0], '~', 0x7f, "not a word");
	BORDER(r, r->source[0], '\0', '\n', "not a word");
	memset(r->source, 'x', sizeof(r->source));
	BORDER(r, r->source[RECIPE_SOURCE_SIZE - 1], '\0', 'x', "not a word");
	/* the image ID is in the first whole page */
	strcpy(r->source, "kmsg");
	BORDER(r, r->region.start, SCENE_REGION - 4095, SCENE_REGION - 4096,
	       "the image ID");
	BORDER(&s->file, s->file.region.end, SCENE_REGION + GIB, SCENE_REGION,
	       "is empty");
	BORDER(&s->file, s->file.image_id[15], 0, 1, "an image ID with");
}

static void test_request(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct load_request *o = &r->request;
	char *path = malloc(PATH_MAX + 1), *cmdline = malloc(65537);

	assert_non_null(path);
	assert_non_null(cmdline);
	BORDER(r, o->method, METHOD_AUTO, METHOD_FILE, "does not match the request");
	BORDER(r, o->method, METHOD_LOAD, METHOD_FILE + 1, "method is unknown");
	BORDER(&s->file, s->file.request.method, METHOD_AUTO, METHOD_LOAD,
	       "does not match the request");
	BORDER(r, o->seed, SEED_OFF, SEED_OFF + 1, "the seed policy");
	BORDER(r, o->seed_timeout, 3600, 3601, "the seed policy");
	BORDER(r, o->on_corruption, PURGATORY_BOOT, PURGATORY_BOOT + 1, "corruption");
	BORDER(r, o->serial_port, 0xffff, 0x10000, "serial");
	BORDER(r, o->serial_baud, 0, 1, "serial");
	BORDER(r, o->serial_baud, 9600, 7200, "serial");
	BORDER(r, o->serial_baud, 115200, 115201, "serial");
	BORDER(r, o->serial_baud, 57600, 57601, "serial");
	BORDER(r, o->vmgenid_given, true, false, "VM generation");
	o->vmgenid_addr = 0;
	o->vmgenid_given = false;
	accepted(r);
	BORDER(r, o->target, KEXEC_TARGET_CRASH, KEXEC_TARGET_NORMAL, "not the options");
	memset(path, '/', PATH_MAX);
	memset(cmdline, 'a', 65536);
	path[PATH_MAX] = cmdline[65536] = '\0';
	BORDER(r, o->kernel, path + 1, path, "a path");
	BORDER(r, o->kernel, "/", NULL, "a path");
	BORDER(r, o->initrd, path + 1, path, "a path");
	BORDER(r, o->initrd, "/", "", "a path");
	BORDER(r, o->initrd, "/a\n/b", "/a\nb", "a path");
	BORDER(r, o->initrd, "/a\n/b", "/a\n\n/b", "a path");
	BORDER(r, o->cmdline, cmdline + 1, cmdline, "length");
	BORDER(r, o->reuse_initrd, false, true, "two initrds");
	o->initrd = NULL;
	refused(r, "a digest without an initrd");
	BORDER(r, o->reuse_initrd, true, false, "a digest");
	memset(r->initrd_digest, 0, sizeof(r->initrd_digest));
	refused(r, "initrd segment and initrd file disagree");
	free(path);
	free(cmdline);
}

static void test_segments(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct plan *p = &r->plan;
	struct segment *kernel = plan_segment(p, SEGMENT_KERNEL);
	struct segment *initrd = plan_segment(p, SEGMENT_INITRD);
	struct segment *self = plan_segment(p, SEGMENT_PURGATORY);
	struct segment *params = plan_segment(p, SEGMENT_BOOT_DATA);
	struct segment *seed = plan_segment(p, SEGMENT_SEED);
	uint64_t end = initrd->addr + initrd->mem_size;

	r->guard.addr = SCENE_REGION;
	((struct purgatory_params *)p->purgatory_block)->nr_checks = 0;
	BORDER(r, r->region.end, end, end - 1, "outside of the crash region");
	BORDER(r, initrd->addr, r->region.end - initrd->mem_size,
	       r->region.end - initrd->mem_size + PAGE, "outside");
	BORDER(r, initrd->addr, kernel->addr + kernel->mem_size,
	       kernel->addr + kernel->mem_size - PAGE, "overlap");
	BORDER(r, kernel->content.size, kernel->mem_size, kernel->mem_size + 1,
	       "smaller than its content");
	BORDER(r, p->nr_segments, 7, PLAN_MAX_SEGMENTS + 1, "too many");
	BORDER(r, p->control_reserve.end, self->addr, self->addr + 1,
	       "in the control-page reserve");
	BORDER(r, p->control_reserve.start, SCENE_REGION + PAGE, SCENE_REGION + PAGE - 1,
	       "in the control-page reserve");
	BORDER(r, p->control_reserve.start, p->control_reserve.end,
	       p->control_reserve.end + 1, "the control-page reserve is outside");
	BORDER(r, p->has_seed, true, false, "seed flag and seed segment disagree");
	/* refreshed segments are below the others */
	BORDER(r, params->addr, params->addr, end, "order");
	BORDER(r, seed->addr, seed->addr, SCENE_REGION, "overlap");
	p->control_reserve = (struct range){ end, end };
	BORDER(r, p->control_reserve.end, r->region.end, r->region.end + 1,
	       "the control-page reserve is outside");
	/* the order of the list does not matter */
	for (size_t i = 0; i < p->nr_segments / 2; i++) {
		struct segment first = p->segments[i];

		p->segments[i] = p->segments[p->nr_segments - 1 - i];
		p->segments[p->nr_segments - 1 - i] = first;
	}
	accepted(r);
}

/* Removes a segment from the list. */
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
	struct setup_data *h = scene_seed_header(p);

	for (size_t i = 0; i < whole.nr_segments; i++) {
		enum segment_kind kind = whole.segments[i].kind;
		char what[64];

		snprintf(what, sizeof(what), "a plan without a %s", segment_name(kind));
		take_out(p, i);
		refused(&s->load, kind == SEGMENT_SEED
					  ? "seed flag and seed segment disagree"
				  : kind == SEGMENT_INITRD
					  ? "initrd segment and initrd file disagree"
					  : what);
		*p = whole;
	}
	take_out(p, 4);
	p->has_seed = false;
	refused(&s->load, "a seed's header without a seed");
	memset(p->seed_prefix, 0, sizeof(p->seed_prefix));
	((struct purgatory_params *)p->purgatory_block)->nr_checks = 0;
	((struct purgatory_params *)p->purgatory_block)->mix_target = 0;
	accepted(&s->load);
	BORDER(&s->load, h->next, 0, p->boot_data_addr, "a seed's header without");
	BORDER(&s->load, h->type, 0, SETUP_RNG_SEED, "a seed's header without");
	BORDER(&s->load, h->len, 0, SEED_SIZE, "a seed's header without");
}

static void test_blocks(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct plan *p = &r->plan;
	struct setup_data *h = scene_seed_header(p);
	const struct segment *params = plan_find(p, SEGMENT_BOOT_DATA);
	uint64_t end = params->addr + params->content.size;

	BORDER(r, p->image_id, p->image_id, NULL, "is missing");
	BORDER(r, p->boot_data, p->boot_data, NULL, "is missing");
	BORDER(r, p->purgatory_block, p->purgatory_block, NULL, "is missing");
	BORDER(r, p->elfcorehdr_block, p->elfcorehdr_block, NULL, "is missing");
	BORDER(r, p->elfcorehdr_size, SCENE_HEADERS, SCENE_HEADERS - 1, "differ in size");
	BORDER(r, p->boot_data_size, SCENE_PARAMS, SCENE_PARAMS + 1, "differ in size");
	BORDER(r, p->image_id->id[15], 0x1d, 0x1e, "two image IDs");
	BORDER(r, p->cmdline_offset, 4096, 4095, "command line");
	BORDER(r, p->cmdline_offset, SCENE_PARAMS - 1, SCENE_PARAMS, "command line");
	p->boot_data[SCENE_PARAMS - 1] = 'x';
	BORDER(r, p->cmdline_offset, SCENE_PARAMS - 2, SCENE_PARAMS - 1, "command line");
	BORDER(r, h->next, end - 16, end - 15, "out of its block");
	BORDER(r, h->next, params->addr, params->addr - 1, "out of its");
	BORDER(r, h->next, 0, 1, "out of its block");
	BORDER(r, h->len, SEED_SIZE, SEED_SIZE - 1, "header");
	BORDER(r, p->boot_data_addr, params->addr, params->addr + 1, "the boot data");
}

static void test_purgatory(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->load;
	struct plan *p = &r->plan;
	struct purgatory_params *params = (void *)p->purgatory_block;
	const struct segment *self = plan_find(p, SEGMENT_PURGATORY);
	const struct segment *kernel = plan_find(p, SEGMENT_KERNEL);

	BORDER(r, params->mem_size, params->file_size, params->file_size - 1, "size");
	BORDER(r, params->mem_size, params->map_pool - self->addr,
	       params->map_pool - self->addr + 1, "the purgatory's map");
	BORDER(r, params->map_pages, 8, 9, "the purgatory's map");
	BORDER(r, params->map_pages, 0, 1ull << 52,
	       "the purgatory's map"); /* 2^52 pages are 0 bytes */
	BORDER(r, params->kernel_memory[1].start, params->kernel_memory[1].end,
	       params->kernel_memory[1].end + 1, "a range of kernel memory");
	BORDER(r, params->map_pool, params->map_pool, params->map_pool + 1, "map is");
	BORDER(r, params->nr_maps, PURGATORY_MAX_MAPS, PURGATORY_MAX_MAPS + 1,
	       "too many maps");
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
	accepted(r);
	p->entry = self->addr + (params->entry_offset = params->file_size);
	refused(r, "entry is not in the purgatory");
	p->entry = self->addr + (params->entry_offset = sizeof(*params) - 1);
	refused(r, "entry is not in the purgatory");
	p->entry = self->addr + (params->entry_offset = sizeof(*params));
	params->kernel_entry = kernel->addr + kernel->mem_size - 1;
	BORDER(r, p->kernel_entry, params->kernel_entry, params->kernel_entry + 1,
	       "not in the kernel");
}

static void test_known_ranges(void **state)
{
	struct scene *s = *state;
	struct recipe *r = &s->file;
	uint64_t end = r->region.end;

	BORDER(r, r->guard.addr, end - 65536, end - 65535, "a known range");
	BORDER(r, r->guard.addr, r->region.start, r->region.start - 1, "a known");
	BORDER(r, r->boot_data.addr, end - 4096, end - 4095, "a known range");
	BORDER(r, r->seed_node, end - NODE_SIZE, end - NODE_SIZE + 1,
	       "the seed is outside");
	BORDER(r, r->seed_node, 0, 1, "the seed is outside");
	r->guard = r->boot_data = (struct known_range){ 0 }; /* not found */
	accepted(r);
}

int main(void)
{
#define RECIPE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		RECIPE_TEST(test_image),	RECIPE_TEST(test_request),
		RECIPE_TEST(test_segments),	RECIPE_TEST(test_missing),
		RECIPE_TEST(test_blocks),	RECIPE_TEST(test_purgatory),
		RECIPE_TEST(test_known_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
