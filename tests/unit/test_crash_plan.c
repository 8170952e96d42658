// SPDX-License-Identifier: GPL-2.0-only
/* The plan of a crash image: its layout, its memory map, its command line. */
#include "config.h"

#include "check.h"
#include "fake_kernel.h"

#include "base/units.h"
#include "machine/dump.h"
#include "machine/e820.h"
#include "purgatory/arch/x86/pgtable.h"
#include "plan/crash.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct scene {
	struct facts facts;
	struct dump_facts dump;
	struct fake_kernel kernel;
	struct image image;
	uint8_t initrd[10000];
	struct plan_options opts;
	struct plan plan;
	struct error err;
};

static void scene_of(struct scene *s, const char *machine)
{
	struct bytes file;

#ifndef HAVE_ELF
	print_message("SKIPPED: built without libelf, so there are no crash images\n");
	skip();
#endif
	*s = (struct scene){ 0 };
	assert_int_equal(facts_read(machine, &s->facts, &s->err), 0);
	assert_int_equal(dump_facts_read(machine, &s->dump, &s->err), 0);
	fake_kernel(&s->kernel);
	file = (struct bytes){ s->kernel.file, FAKE_SIZE };
	assert_int_equal(image_parse(file, file, &s->image, &s->err), 0);
	s->opts = (struct plan_options){ .command_line = "console=ttyS0 irqpoll",
					 .initrd = { s->initrd, sizeof(s->initrd) },
					 .seed = true,
					 .verify = true,
					 .dump = &s->dump,
					 .image_id = { 1, 2, 3 } };
}

static int make(struct scene *s)
{
	return plan_make(&s->facts, &s->image, &s->opts, &s->plan, &s->err);
}

static void scene_end(struct scene *s)
{
	plan_free(&s->plan);
	facts_free(&s->facts);
	dump_facts_free(&s->dump);
}

static const struct segment *find(const struct scene *s, enum purgatory_kind kind)
{
	const struct segment *found = plan_find(&s->plan, kind);

	assert_non_null(found);
	return found;
}

static uint64_t end_of(const struct segment *s)
{
	return s->addr + s->mem_size;
}

/* [tag | hole | what a refresh replaces | kernel | initrd], nothing outside the region */
static void assert_layout(const struct scene *s)
{
	const struct plan *p = &s->plan;
	uint64_t static_start = find(s, PURGATORY_KIND_KERNEL)->addr;

	assert_int_equal(find(s, PURGATORY_KIND_IMAGE_ID)->addr, s->facts.crash.start);
	assert_int_equal(p->hole.start, s->facts.crash.start + PAGE);
	assert_true(range_size(p->hole) >=
		    crash_hole_size(&s->facts.iomem, s->facts.cpu.gbpages));
	for (size_t i = 0; i < p->nr_segments; i++) {
		const struct segment *a = &p->segments[i];

		assert_int_equal(a->addr % PAGE, 0);
		assert_true(a->addr >= s->facts.crash.start);
		assert_true(end_of(a) <= s->facts.crash.end);
		assert_true(end_of(a) <= p->hole.start || a->addr >= p->hole.end);
		if (plan_is_dynamic(a->kind))
			assert_true(end_of(a) <= static_start);
		else
			assert_true(a->addr >= static_start);
		for (size_t k = 0; k < i; k++)
			assert_true(p->segments[k].addr >= end_of(a) ||
				    end_of(&p->segments[k]) <= a->addr);
	}
}

static void assert_tag(const struct scene *s)
{
	const struct image_id *tag =
		(const void *)find(s, PURGATORY_KIND_IMAGE_ID)->content.data;

	assert_memory_equal(tag->magic, IMAGE_ID_MAGIC, sizeof(tag->magic));
	assert_memory_equal(tag->id, s->opts.image_id, sizeof(tag->id));
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
		assert_tag(&s);
		assert_int_equal(plan_purgatory(&s.plan)->nr_checks, 7);
		scene_end(&s);
	}
}

/* Wherever the user wants the rest: below the tag nothing may be free. */
static void test_tag_stays_lowest(void **state)
{
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	s.opts.mem_min = s.facts.crash.start + 64 * MIB;
	assert_int_equal(make(&s), 0);
	assert_layout(&s);
	assert_true(find(&s, PURGATORY_KIND_PURGATORY)->addr >= s.opts.mem_min);
	scene_end(&s);
}

/* All of the region is mapped when it lies high, before the rest has a place. */
static void test_high_region_is_mapped(void **state)
{
	const struct purgatory_params *p;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-high");
	assert_true(s.facts.crash.start >= 4 * GIB);
	assert_int_equal(make(&s), 0);
	p = plan_purgatory(&s.plan);
	assert_int_equal(p->nr_maps, 1);
	assert_int_equal(p->maps[0].start, s.facts.crash.start);
	assert_int_equal(p->maps[0].end, s.facts.crash.end);
	assert_true(p->pgt_pages >= purgatory_pgt_pages(p->maps, p->nr_maps));
	s.image.above_4g = false;
	plan_free(&s.plan);
	assert_int_equal(make(&s), -ENOSPC);
	scene_end(&s);
}

static bool map_has(const struct e820_map *map, uint64_t start, uint64_t end,
		    uint32_t type)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].addr == start && map->entries[i].type == type &&
		    map->entries[i].addr + map->entries[i].size == end)
			return true;
	return false;
}

static uint64_t ram_of(const struct e820_map *map)
{
	uint64_t total = 0;

	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].type == E820_RAM)
			total += map->entries[i].size;
	return total;
}

/* RAM is the first MiB and the regions without the headers, and nothing else. */
static void test_memory_map(void **state)
{
	const struct segment *headers;
	struct e820_map *map;
	uint64_t low = 0;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-high");
	assert_int_equal(make(&s), 0);
	map = &s.plan.e820;
	headers = find(&s, PURGATORY_KIND_ELFCOREHDR);
	assert_true(
		map_has(map, s.facts.crash_low.start, s.facts.crash_low.end, E820_RAM));
	assert_true(map_has(map, s.facts.crash.start, headers->addr, E820_RAM));
	assert_true(map_has(map, end_of(headers), s.facts.crash.end, E820_RAM));
	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].type == E820_RAM && map->entries[i].addr < MIB)
			low += map->entries[i].size;
	assert_true(low > 0 && low <= MIB);
	assert_int_equal(ram_of(map), low + range_size(s.facts.crash) +
					      range_size(s.facts.crash_low) -
					      headers->mem_size);
	assert_int_equal(plan_boot_params(&s.plan)->e820_entries, map->count);
	scene_end(&s);
}

/* crashkernel=X,cma: RAM as well, besides the region. */
static void test_cma(void **state)
{
	struct range cma = { 0x10000000, 0x18000000 };
	uint64_t without;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	assert_int_equal(make(&s), 0);
	without = ram_of(&s.plan.e820);
	plan_free(&s.plan);
	s.facts.crash_cma = (struct ranges){ &cma, 1, 1 };
	assert_int_equal(make(&s), 0);
	assert_true(map_has(&s.plan.e820, cma.start, cma.end, E820_RAM));
	assert_int_equal(ram_of(&s.plan.e820), without + range_size(cma));
	s.facts.crash_cma = (struct ranges){ 0 };
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
		 (unsigned long long)find(&s, PURGATORY_KIND_ELFCOREHDR)->addr);
	assert_string_equal(plan_command_line(&s.plan), want);
	plan_free(&s.plan);

	s.opts.memmap_cmdline = true;
	assert_int_equal(make(&s), 0);
	assert_non_null(strstr(plan_command_line(&s.plan), " memmap=exactmap memmap=0x"));
	snprintf(want, sizeof(want), " memmap=0x%llx@0x%llx",
		 (unsigned long long)(find(&s, PURGATORY_KIND_ELFCOREHDR)->addr -
				      s.facts.crash.start),
		 (unsigned long long)s.facts.crash.start);
	assert_non_null(strstr(plan_command_line(&s.plan), want));
	scene_end(&s);
}

/* Room for all that the kernel may write, told to keep out of it, and no digest. */
static void test_hotplug(void **state)
{
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-4cpus");
	assert_true(s.dump.hotplug_size > 0);
	assert_int_equal(make(&s), 0);
	assert_int_equal(find(&s, PURGATORY_KIND_ELFCOREHDR)->mem_size,
			 s.plan.elfcorehdr_size);
	plan_free(&s.plan);
	s.opts.hotplug = true;
	assert_int_equal(make(&s), 0);
	assert_layout(&s);
	assert_true(s.plan.hotplug);
	assert_true(find(&s, PURGATORY_KIND_ELFCOREHDR)->mem_size >
		    s.dump.hotplug_size + 64);
	assert_int_equal(plan_purgatory(&s.plan)->nr_checks, 6);
	for (uint32_t i = 0; i < plan_purgatory(&s.plan)->nr_checks; i++)
		assert_int_not_equal(plan_purgatory(&s.plan)->checks[i].kind,
				     PURGATORY_KIND_ELFCOREHDR);
	plan_free(&s.plan);

	s.dump.hotplug_size = 0; /* a kernel that cannot */
	assert_int_equal(make(&s), 0);
	assert_false(s.plan.hotplug);
	assert_int_equal(plan_purgatory(&s.plan)->nr_checks, 7);
	scene_end(&s);
}

/* The region ends where a part of it would begin: that part is named. */
static void test_region_too_small(void **state)
{
	struct plan whole;
	struct range region;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	assert_int_equal(make(&s), 0);
	whole = s.plan;
	region = s.facts.crash;
	for (size_t i = 0; i < whole.nr_segments; i++) {
		const struct segment *part = &whole.segments[i];
		char want[64];

		s.facts.crash.end = part->addr + (i ? 0 : PAGE - 1);
		s.opts.mem_max = i % 2 ? s.facts.crash.end : 0; /* says nothing new */
		assert_int_equal(make(&s), -ENOSPC);
		snprintf(want, sizeof(want),
			 "no room for the %s: ", segment_name(part->kind));
		assert_memory_equal(s.err.text, want, strlen(want));
		assert_non_null(strstr(s.err.text, "larger crashkernel="));
	}
	s.opts.mem_max = 0;
	s.facts.crash.end = region.start + 4 * MIB;
	assert_int_equal(make(&s), -ENOSPC);
	assert_string_equal(s.err.text, "no room for the kernel: 8192 KiB in the crash "
					"region, above 0x1000000 (a larger crashkernel= "
					"helps)");
	s.facts.crash.end = end_of(&whole.segments[whole.nr_segments - 1]);
	assert_int_equal(make(&s), 0);
	plan_free(&s.plan);
	/* but it is the user who leaves no room here */
	s.facts.crash = region;
	s.opts.mem_max = region.start + MIB;
	assert_int_equal(make(&s), -ENOSPC);
	assert_null(strstr(s.err.text, "crashkernel="));
	assert_non_null(strstr(s.err.text, "no room for the kernel: 8192 KiB between"));
	plan_free(&whole);
	scene_end(&s);
}

/* A region that is not made of pages: what is left of it is. */
static void test_odd_region(void **state)
{
	uint64_t start;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	start = s.facts.crash.start;
	s.facts.crash.start++;
	s.facts.crash.end--;
	assert_int_equal(make(&s), 0);
	assert_int_equal(find(&s, PURGATORY_KIND_IMAGE_ID)->addr, start + PAGE);
	for (size_t i = 0; i < s.plan.nr_segments; i++)
		assert_int_equal(s.plan.segments[i].addr % PAGE, 0);
	scene_end(&s);
}

static void test_names(void **state)
{
	struct plan none = { 0 };

	(void)state;
	assert_string_equal(segment_name(PURGATORY_KIND_PURGATORY), "purgatory");
	assert_string_equal(segment_name(PURGATORY_KIND_BOOT_DATA), "boot_params");
	assert_string_equal(segment_name(PURGATORY_KIND_SEED), "seed");
	assert_string_equal(segment_name(PURGATORY_KIND_KERNEL), "kernel");
	assert_string_equal(segment_name(PURGATORY_KIND_INITRD), "initrd");
	assert_string_equal(segment_name(PURGATORY_KIND_ELFCOREHDR), "elfcorehdr");
	assert_string_equal(segment_name(PURGATORY_KIND_IMAGE_ID), "tag");
	assert_string_equal(segment_name((enum purgatory_kind)99), "unknown");
	assert_null(plan_find(&none, PURGATORY_KIND_PURGATORY));
}

static void test_refused(void **state)
{
	struct range region;
	struct scene s;

	(void)state;
	scene_of(&s, MACHINES "/crash-256m");
	region = s.facts.crash;
	s.facts.crash = (struct range){ 0 };
	assert_int_equal(make(&s), -ENODEV);
	assert_non_null(strstr(s.err.text, "crashkernel="));
	s.facts.crash = (struct range){ region.start, region.start + 32 * PAGE };
	assert_int_equal(make(&s), -ENOSPC);
	assert_non_null(strstr(s.err.text, "larger crashkernel="));
	s.facts.crash = region;
	s.image.fixed = true;
	assert_int_equal(make(&s), -ENOEXEC);
	assert_non_null(strstr(s.err.text, "cannot be moved from 0x1000000"));
	s.image.fixed = false;
	s.facts.cpu.la57 = true;
	s.image.five_level = false;
	assert_int_equal(make(&s), -ENOEXEC);
	assert_non_null(strstr(s.err.text, "5-level"));
	s.facts.cpu.la57 = false;
	s.facts.iomem.entries[1].size = 0; /* cannot be */
	assert_int_equal(make(&s), -EINVAL);
	for (size_t i = 0; i < s.facts.iomem.count; i++)
		s.facts.iomem.entries[i].type = E820_UNUSABLE;
	assert_int_equal(make(&s), -ENODATA);
	assert_non_null(strstr(s.err.text, "no RAM to dump"));
	e820_free(&s.facts.iomem);
	s.facts.crash = (struct range){ 0 };
	assert_int_equal(make(&s), -ENODATA);
	assert_non_null(strstr(s.err.text, "hides its addresses"));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_tag_stays_lowest),
		cmocka_unit_test(test_high_region_is_mapped),
		cmocka_unit_test(test_memory_map),
		cmocka_unit_test(test_cma),
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_hotplug),
		cmocka_unit_test(test_region_too_small),
		cmocka_unit_test(test_odd_region),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
