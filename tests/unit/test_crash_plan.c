// SPDX-License-Identifier: GPL-2.0-only
/* The plan of a crash image: its layout, its memory map, its command line. */
#include "config.h"

#include "check.h"
#include "fake_kernel.h"

#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"
#include "base/units.h"
#include "machine/crash_notes.h"
#include "machine/memory_map.h"
#include "plan/plan.h"
#include "purgatory/arch/x86/pgtable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE X86_PAGE

struct scene {
	struct machine machine;
	struct crash_notes crash;
	struct fake_kernel kernel;
	struct image image;
	uint8_t initrd[10000];
	struct load_request request;
	struct plan_input in;
	struct plan plan;
	struct error err;
};

static void scene_of(struct scene *s, const char *machine)
{
	struct bytes file;

	*s = (struct scene){ 0 };
	assert_int_equal(machine_read(machine, &s->machine, &s->err), 0);
	assert_int_equal(crash_notes_read(machine, &s->crash, &s->err), 0);
	fake_kernel(&s->kernel);
	file = (struct bytes){ s->kernel.file, FAKE_SIZE };
	assert_int_equal(bzimage_parse(file, file, &s->image, &s->err), 0);
	s->request =
		(struct load_request){ .target = KEXEC_TARGET_CRASH, .mix_off = true };
	s->in = (struct plan_input){ .request = &s->request,
				     .machine = &s->machine,
				     .image = &s->image,
				     .initrd = { s->initrd, sizeof(s->initrd) },
				     .cmdline = "console=ttyS0 irqpoll",
				     .seed = true,
				     .crash = &s->crash,
				     .image_id = { 1, 2, 3 } };
}

static int make(struct scene *s)
{
	return plan_make(&s->in, &s->plan, &s->err);
}

static void scene_end(struct scene *s)
{
	plan_free(&s->plan);
	machine_free(&s->machine);
	crash_notes_free(&s->crash);
}

static const struct segment *find(const struct scene *s, enum segment_kind kind)
{
	const struct segment *found = plan_find(&s->plan, kind);

	assert_non_null(found);
	return found;
}

static uint64_t end_of(const struct segment *s)
{
	return s->addr + s->mem_size;
}

/*
 * [image ID | control-page reserve | refreshed segments | kernel | initrd], nothing outside
 * the region
 */
static void assert_layout(const struct scene *s)
{
	const struct plan *p = &s->plan;
	uint64_t static_start = find(s, SEGMENT_KERNEL)->addr;

	assert_int_equal(find(s, SEGMENT_IMAGE_ID)->addr, s->machine.crash.start);
	assert_int_equal(p->control_reserve.start, s->machine.crash.start + PAGE);
	assert_true(range_size(p->control_reserve) >=
		    arch_control_reserve(&s->machine.iomem, s->machine.large_pages) *
			    PAGE);
	for (size_t i = 0; i < p->nr_segments; i++) {
		const struct segment *a = &p->segments[i];

		assert_int_equal(a->addr % PAGE, 0);
		assert_true(a->addr >= s->machine.crash.start);
		assert_true(end_of(a) <= s->machine.crash.end);
		assert_true(end_of(a) <= p->control_reserve.start ||
			    a->addr >= p->control_reserve.end);
		if (segment_is_refreshed(a->kind))
			assert_true(end_of(a) <= static_start);
		else
			assert_true(a->addr >= static_start);
		for (size_t k = 0; k < i; k++)
			assert_true(p->segments[k].addr >= end_of(a) ||
				    end_of(&p->segments[k]) <= a->addr);
	}
}

static void assert_image_id(const struct scene *s)
{
	const struct image_id *id = (const void *)find(s, SEGMENT_IMAGE_ID)->content.data;

	assert_memory_equal(id->magic, IMAGE_ID_MAGIC, sizeof(id->magic));
	assert_memory_equal(id->id, s->in.image_id, sizeof(id->id));
}

static void test_layout(void **state)
{
	static const char *const machines[] = { MACHINES "/crash-256m",
						MACHINES "/crash-high",
						MACHINES "/crash-4cpus" };

	(void)state;
	for (size_t i = 0; i < COUNT(machines); i++) {
		struct scene s;

		scene_of(&s, machines[i]);
		assert_int_equal(make(&s), 0);
		assert_int_equal(s.plan.nr_segments, 7);
		assert_layout(&s);
		assert_image_id(&s);
		assert_int_equal(plan_purgatory(&s.plan)->nr_checks, 7);
		scene_end(&s);
	}
}

/* --mem-min does not move it: nothing may be free below the image ID. */
static void test_image_id_stays_lowest(void **state)
{
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	s.request.mem_min = s.machine.crash.start + 64 * MIB;
	assert_int_equal(make(&s), 0);
	assert_layout(&s);
	assert_true(find(&s, SEGMENT_PURGATORY)->addr >= s.request.mem_min);
	scene_end(&s);
}

/* A high region is mapped as a whole, before its segments have places. */
static void test_high_region_is_mapped(void **state)
{
	const struct purgatory_params *p;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-high");
	assert_true(s.machine.crash.start >= 4 * GIB);
	assert_int_equal(make(&s), 0);
	p = plan_purgatory(&s.plan);
	assert_int_equal(p->nr_maps, 1);
	assert_int_equal(p->maps[0].start, s.machine.crash.start);
	assert_int_equal(p->maps[0].end, s.machine.crash.end);
	assert_true(p->map_pages >= purgatory_pgt_pages(p->maps, p->nr_maps));
	s.image.max_addr = LOW_END;
	plan_free(&s.plan);
	assert_int_equal(make(&s), -ENOSPC);
	scene_end(&s);
}

static bool map_has(const struct memory_map *map, uint64_t start, uint64_t end,
		    uint32_t type)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].addr == start && map->entries[i].type == type &&
		    map->entries[i].addr + map->entries[i].size == end)
			return true;
	return false;
}

static uint64_t ram_of(const struct memory_map *map)
{
	uint64_t total = 0;

	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].type == MEMORY_RAM)
			total += map->entries[i].size;
	return total;
}

/* RAM: the first MiB and the regions without the headers, nothing else. */
static void test_memory_map(void **state)
{
	const struct segment *headers;
	struct memory_map *map;
	uint64_t low = 0;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-high");
	assert_int_equal(make(&s), 0);
	map = &s.plan.memory;
	headers = find(&s, SEGMENT_ELFCOREHDR);
	assert_true(map_has(map, s.machine.crash_low.start, s.machine.crash_low.end,
			    MEMORY_RAM));
	assert_true(map_has(map, s.machine.crash.start, headers->addr, MEMORY_RAM));
	assert_true(map_has(map, end_of(headers), s.machine.crash.end, MEMORY_RAM));
	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].type == MEMORY_RAM && map->entries[i].addr < MIB)
			low += map->entries[i].size;
	assert_true(low > 0 && low <= MIB);
	assert_int_equal(ram_of(map), low + range_size(s.machine.crash) +
					      range_size(s.machine.crash_low) -
					      headers->mem_size);
	assert_int_equal(plan_boot_params(&s.plan)->e820_entries, map->count);
	scene_end(&s);
}

/* crashkernel=X,cma is RAM too. */
static void test_cma(void **state)
{
	struct range cma = { 0x10000000, 0x18000000 };
	uint64_t without;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	assert_int_equal(make(&s), 0);
	without = ram_of(&s.plan.memory);
	plan_free(&s.plan);
	s.machine.crash_cma = (struct ranges){ &cma, 1, 1 };
	assert_int_equal(make(&s), 0);
	assert_true(map_has(&s.plan.memory, cma.start, cma.end, MEMORY_RAM));
	assert_int_equal(ram_of(&s.plan.memory), without + range_size(cma));
	s.machine.crash_cma = (struct ranges){ 0 };
	scene_end(&s);
}

static void test_command_line(void **state)
{
	char want[128];
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	assert_int_equal(make(&s), 0);
	snprintf(want, sizeof(want), "elfcorehdr=0x%llx console=ttyS0 irqpoll",
		 (unsigned long long)find(&s, SEGMENT_ELFCOREHDR)->addr);
	assert_string_equal(plan_command_line(&s.plan), want);
	plan_free(&s.plan);

	s.request.memmap_cmdline = true;
	assert_int_equal(make(&s), 0);
	assert_non_null(strstr(plan_command_line(&s.plan), " memmap=exactmap memmap=0x"));
	snprintf(want, sizeof(want), " memmap=0x%llx@0x%llx",
		 (unsigned long long)(find(&s, SEGMENT_ELFCOREHDR)->addr -
				      s.machine.crash.start),
		 (unsigned long long)s.machine.crash.start);
	assert_non_null(strstr(plan_command_line(&s.plan), want));
	scene_end(&s);
}

/* Room for all that the kernel may write, outside the next kernel's RAM, and no digest. */
static void test_hotplug(void **state)
{
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-4cpus");
	assert_true(s.crash.hotplug_size > 0);
	assert_int_equal(make(&s), 0);
	assert_int_equal(find(&s, SEGMENT_ELFCOREHDR)->mem_size, s.plan.elfcorehdr_size);
	plan_free(&s.plan);
	s.request.hotplug = true;
	assert_int_equal(make(&s), 0);
	assert_layout(&s);
	assert_true(s.plan.hotplug);
	assert_true(find(&s, SEGMENT_ELFCOREHDR)->mem_size > s.crash.hotplug_size + 64);
	assert_int_equal(plan_purgatory(&s.plan)->nr_checks, 6);
	for (uint32_t i = 0; i < plan_purgatory(&s.plan)->nr_checks; i++)
		assert_int_not_equal(plan_purgatory(&s.plan)->checks[i].kind,
				     PURGATORY_KIND_ELFCOREHDR);
	plan_free(&s.plan);

	s.crash.hotplug_size = 0; /* the kernel cannot do it */
	assert_int_equal(make(&s), 0);
	assert_false(s.plan.hotplug);
	assert_int_equal(plan_purgatory(&s.plan)->nr_checks, 7);
	scene_end(&s);
}

/* Ends the region where each segment would begin: the message names that segment. */
static void test_region_too_small(void **state)
{
	struct plan whole;
	struct range region;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	assert_int_equal(make(&s), 0);
	whole = s.plan;
	region = s.machine.crash;
	for (size_t i = 0; i < whole.nr_segments; i++) {
		const struct segment *part = &whole.segments[i];
		char want[64];

		s.machine.crash.end = part->addr + (i ? 0 : PAGE - 1);
		s.request.mem_max = i % 2 ? s.machine.crash.end : 0; /* the same limit */
		assert_int_equal(make(&s), -ENOSPC);
		snprintf(want, sizeof(want),
			 "no room for the %s: ", segment_name(part->kind));
		assert_memory_equal(s.err.text, want, strlen(want));
		assert_non_null(strstr(s.err.text, "larger crashkernel="));
	}
	s.request.mem_max = 0;
	s.machine.crash.end = region.start + 4 * MIB;
	assert_int_equal(make(&s), -ENOSPC);
	assert_string_equal(s.err.text, "no room for the kernel: 8192 KiB in the crash "
					"region, above 0x1000000 (a larger crashkernel= "
					"helps)");
	s.machine.crash.end = end_of(&whole.segments[whole.nr_segments - 1]);
	assert_int_equal(make(&s), 0);
	plan_free(&s.plan);
	/* here --mem-max is to blame */
	s.machine.crash = region;
	s.request.mem_max = region.start + MIB;
	assert_int_equal(make(&s), -ENOSPC);
	assert_null(strstr(s.err.text, "crashkernel="));
	assert_non_null(strstr(
		s.err.text, "no room for the kernel: 8192 KiB; the largest gap between"));
	s.request.mem_max = region.start;
	assert_int_equal(make(&s), -ENOSPC);
	assert_non_null(strstr(s.err.text, "what --mem-max= allows ends at"));
	plan_free(&whole);
	scene_end(&s);
}

/* A region above what the kernel can be loaded at: not "no room for the tag". */
static void test_region_too_high(void **state)
{
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-high");
	s.image.max_addr = 4 * GIB;
	assert_int_equal(make(&s), -ENOSPC);
	assert_string_equal(
		s.err.text,
		"the crash region begins at 0x19f000000, but what this kernel can "
		"reach ends at 0x100000000; reserve memory below "
		"(crashkernel=256M without ,high)");
	s.image.low_end = 896 * MIB;
	assert_int_equal(make(&s), -ENOSPC);
	assert_non_null(strstr(s.err.text, "kernel can reach ends at 0x38000000"));
	scene_end(&s);
}

/* Only whole pages of the region are used. */
static void test_odd_region(void **state)
{
	uint64_t start;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	start = s.machine.crash.start;
	s.machine.crash.start++;
	s.machine.crash.end--;
	assert_int_equal(make(&s), 0);
	assert_int_equal(find(&s, SEGMENT_IMAGE_ID)->addr, start + PAGE);
	for (size_t i = 0; i < s.plan.nr_segments; i++)
		assert_int_equal(s.plan.segments[i].addr % PAGE, 0);
	scene_end(&s);
}

static void test_names(void **state)
{
	struct plan none = { 0 };

	(void)state;
	assert_string_equal(segment_name(SEGMENT_PURGATORY), "purgatory");
	assert_string_equal(segment_name(SEGMENT_BOOT_DATA), "boot_params");
	assert_string_equal(segment_name(SEGMENT_SEED), "seed");
	assert_string_equal(segment_name(SEGMENT_KERNEL), "kernel");
	assert_string_equal(segment_name(SEGMENT_INITRD), "initrd");
	assert_string_equal(segment_name(SEGMENT_ELFCOREHDR), "elfcorehdr");
	assert_string_equal(segment_name(SEGMENT_IMAGE_ID), "tag");
	assert_string_equal(segment_name((enum segment_kind)99), "unknown");
	assert_null(plan_find(&none, SEGMENT_PURGATORY));
}

/* Codes are stored in recipes. */
static void test_codes(void **state)
{
	static const uint32_t codes[SEGMENT_KINDS] = {
		[SEGMENT_PURGATORY] = PURGATORY_KIND_PURGATORY,
		[SEGMENT_BOOT_DATA] = PURGATORY_KIND_BOOT_DATA,
		[SEGMENT_SEED] = PURGATORY_KIND_SEED,
		[SEGMENT_KERNEL] = PURGATORY_KIND_KERNEL,
		[SEGMENT_INITRD] = PURGATORY_KIND_INITRD,
		[SEGMENT_ELFCOREHDR] = PURGATORY_KIND_ELFCOREHDR,
		[SEGMENT_IMAGE_ID] = PURGATORY_KIND_IMAGE_ID,
		[SEGMENT_IMAGE_ID_SECOND] = PURGATORY_KIND_IMAGE_ID_SECOND,
		[SEGMENT_IMAGE_ID_STATIC] = PURGATORY_KIND_IMAGE_ID_STATIC,
	};
	enum segment_kind back = SEGMENT_KINDS;

	(void)state;
	for (unsigned int i = 0; i < SEGMENT_KINDS; i++) {
		assert_int_equal(segment_code(i), codes[i]);
		assert_true(segment_from_code(codes[i], &back));
		assert_int_equal(back, i);
	}
	assert_false(segment_from_code(SEGMENT_KINDS, &back));
	assert_false(segment_from_code(UINT32_MAX, &back));
}

static void test_refused(void **state)
{
	struct range region;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	region = s.machine.crash;
	s.machine.crash = (struct range){ 0 };
	assert_int_equal(make(&s), -ENODEV);
	assert_non_null(strstr(s.err.text, "crashkernel="));
	s.machine.crash = (struct range){ region.start, region.start + 32 * PAGE };
	assert_int_equal(make(&s), -ENOSPC);
	assert_non_null(strstr(s.err.text, "larger crashkernel="));
	s.machine.crash = region;
	s.image.fixed = true;
	assert_int_equal(make(&s), -ENOEXEC);
	assert_non_null(strstr(s.err.text, "cannot be moved from 0x1000000"));
	s.image.fixed = false;
	s.machine.arch->cpu.la57 = true;
	s.image.arch_flags &= ~X86_FIVE_LEVEL;
	assert_int_equal(make(&s), -ENOEXEC);
	assert_non_null(strstr(s.err.text, "5-level"));
	s.machine.arch->cpu.la57 = false;
	s.machine.iomem.entries[1].size = 0; /* impossible */
	assert_int_equal(make(&s), -EINVAL);
	for (size_t i = 0; i < s.machine.iomem.count; i++)
		s.machine.iomem.entries[i].type = MEMORY_UNUSABLE;
	assert_int_equal(make(&s), -ENODATA);
	assert_non_null(strstr(s.err.text, "no RAM to dump"));
	memory_map_free(&s.machine.iomem);
	s.machine.crash = (struct range){ 0 };
	assert_int_equal(make(&s), -ENODATA);
	assert_non_null(strstr(s.err.text, "hides its addresses"));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_image_id_stays_lowest),
		cmocka_unit_test(test_high_region_is_mapped),
		cmocka_unit_test(test_memory_map),
		cmocka_unit_test(test_cma),
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_hotplug),
		cmocka_unit_test(test_region_too_small),
		cmocka_unit_test(test_region_too_high),
		cmocka_unit_test(test_odd_region),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
