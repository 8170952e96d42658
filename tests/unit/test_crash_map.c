// SPDX-License-Identifier: GPL-2.0-only
/* The crash kernel's memory map, and the control pages that the running kernel needs. */
#include "check.h"

#include "arch/x86/x86.h"
#include "base/units.h"
#include "machine/memory_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE  X86_PAGE
#define FIXED 15 /* pages, independent of the amount of memory */

struct control_case {
	struct memory_entry map[3];
	unsigned int tables;	/* with 2 MiB pages */
	unsigned int gb_tables; /* with 1 GiB pages */
};

static const struct control_case control_cases[] = {
	{ { { MIB, GIB - MIB, MEMORY_RAM } }, 2, 2 },
	{ { { MIB, GIB - MIB + 1, MEMORY_RAM } }, 3, 3 },
	{ { { GIB, GIB, MEMORY_RAM } }, 2, 2 },
	{ { { GIB, 2 * GIB, MEMORY_RAM } }, 3, 3 },
	{ { { GIB, 3 * GIB, MEMORY_RAM } }, 4, 3 },
	{ { { 0, 512 * GIB, MEMORY_RAM } }, 1 + 512, 1 + 2 },
	{ { { 0, 512 * GIB + 1, MEMORY_RAM } }, 2 + 513, 2 + 2 },
	{ { { 0, 2048 * GIB, MEMORY_RAM } }, 4 + 2048, 4 + 2 },
	/* entries that share a table */
	{ { { MIB, MIB, MEMORY_RAM }, { 3 * MIB, MIB, MEMORY_RAM } }, 2, 2 },
	{ { { MIB, GIB, MEMORY_RAM }, { GIB + 3 * MIB, MIB, MEMORY_RAM } }, 3, 3 },
	{ { { MIB, GIB, MEMORY_RAM }, { GIB + 3 * MIB, GIB, MEMORY_RAM } }, 4, 4 },
	{ { { MIB, GIB, MEMORY_RAM }, { 2 * GIB, MIB, MEMORY_RAM } }, 4, 4 },
	{ { { MIB, GIB, MEMORY_RAM }, { GIB + 3 * MIB, 4 * GIB, MEMORY_RAM } }, 7, 5 },
	/* one in the other, as in /proc/iomem */
	{ { { 4 * GIB, 8 * GIB, MEMORY_PMEM }, { 5 * GIB, GIB, MEMORY_RAM } }, 9, 3 },
	/* each type that the kernel maps, and others */
	{ { { GIB, MIB, MEMORY_PMEM } }, 2, 2 },
	{ { { GIB, MIB, MEMORY_PRAM } }, 2, 2 },
	{ { { GIB, MIB, MEMORY_SOFT_RESERVED } }, 2, 2 },
	{ { { GIB, MIB, MEMORY_RESERVED }, { 2 * GIB, MIB, MEMORY_ACPI } }, 0, 0 },
	{ { { 0 } }, 0, 0 },
};

static const struct memory_entry one_too_many = { 4096 * GIB, GIB, MEMORY_RAM };

static void test_control_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(control_cases); i++) {
		struct memory_entry entries[4];
		struct memory_map map = { entries, 0 };
		uint64_t pages = FIXED + control_cases[i].tables;

		memcpy(entries, control_cases[i].map, sizeof(control_cases[i].map));
		while (map.count < 3 && entries[map.count].size)
			map.count++;
		entries[map.count] = one_too_many;
		if (arch_control_pages(&map, false) != pages ||
		    arch_control_pages(&map, true) != FIXED + control_cases[i].gb_tables)
			fail_msg("case %zu", i);
		assert_int_equal(arch_control_reserve(&map, false),
				 pages + FIXED + pages / 8);
		pages = FIXED + control_cases[i].gb_tables;
		assert_int_equal(arch_control_reserve(&map, true),
				 pages + FIXED + pages / 8);
	}
}

/* Every type of memory; the crash kernel's map is compared as a whole. */
static struct memory_entry iomem[] = {
	{ 0x1000, 0x9ec00, MEMORY_RAM },
	{ 0x9fc00, 0x400, MEMORY_RESERVED },
	{ 0xf0000, 0x10001, MEMORY_RAM }, /* crosses the first MiB's end */
	{ MIB + 0x10000, GIB, MEMORY_RAM },
	{ 2 * GIB, 0x1000, MEMORY_ACPI },
	{ 2 * GIB + 0x1000, 0x800, MEMORY_NVS },
	{ 2 * GIB + 0x2000, 0x1000, MEMORY_UNUSABLE },
	{ 3 * GIB, GIB, MEMORY_RESERVED },
	{ 4 * GIB, 0x1000, MEMORY_ACPI },
	{ 5 * GIB, GIB, MEMORY_PMEM },
	{ 6 * GIB, GIB, MEMORY_PRAM },
	{ 7 * GIB, GIB, MEMORY_PRAM }, /* two devices */
	{ 8 * GIB, GIB, MEMORY_SOFT_RESERVED },
	{ 0x200, 0x100, MEMORY_RAM }, /* nested, so out of order */
	{ 0x400, 0x100, MEMORY_RAM }, /* one too many */
};

static void test_map(void **state)
{
	static const struct memory_entry want[] = {
		{ 0x1000, 0x9ec00, MEMORY_RAM },
		{ 0xf0000, 0x10000, MEMORY_RAM },
		{ 0x200, 0x100, MEMORY_RAM },
		{ 2 * GIB, 0x1000, MEMORY_ACPI },
		{ 4 * GIB, 0x1000, MEMORY_ACPI },
		{ 2 * GIB + 0x1000, 0x800, MEMORY_NVS },
		{ 0x9fc00, 0x400, MEMORY_RESERVED },
		{ 3 * GIB, GIB, MEMORY_RESERVED },
		{ 5 * GIB, GIB, MEMORY_PMEM },
		{ 6 * GIB, GIB, MEMORY_PRAM },
		{ 7 * GIB, GIB, MEMORY_PRAM },
		{ 16 * MIB, 16 * MIB, MEMORY_RAM },
		{ 512 * MIB, 0x21000, MEMORY_RAM },
		{ 512 * MIB + 0x23000, 256 * MIB - 0x23000, MEMORY_RAM },
	};
	struct machine m = { .iomem = { iomem, COUNT(iomem) - 1 },
			     .crash = { 512 * MIB, 768 * MIB },
			     .crash_low = { 16 * MIB, 32 * MIB } };
	struct memory_map map = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(
		x86_crash_map(&m,
			      (struct range){ 512 * MIB + 0x21000, 512 * MIB + 0x23000 },
			      &map, &err),
		0);
	assert_int_equal(map.count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(map.entries[i].addr, want[i].addr);
		assert_int_equal(map.entries[i].size, want[i].size);
		assert_int_equal(map.entries[i].type, want[i].type);
	}
	memory_map_free(&map);
}

/* Entries that begin or end with the first MiB; headers that begin or end with the region. */
static void test_borders(void **state)
{
	static const struct {
		struct range crash, headers;
		uint64_t sizes[2]; /* what is left of the region */
	} cases[] = {
		{ { GIB, 2 * GIB }, { GIB, GIB + PAGE }, { GIB - PAGE } },
		{ { GIB, 2 * GIB }, { 2 * GIB - PAGE, 2 * GIB }, { GIB - PAGE } },
		{ { GIB, 2 * GIB }, { GIB + PAGE, 2 * GIB }, { PAGE } },
		{ { GIB + 1, 2 * GIB }, { GIB + PAGE, 2 * GIB }, { 0 } },
		{ { GIB, 2 * GIB }, { GIB, 2 * GIB - PAGE }, { PAGE } },
		{ { GIB, 2 * GIB }, { GIB + PAGE, 2 * GIB - PAGE }, { PAGE, PAGE } },
	};
	static struct memory_entry ram[] = { { 0, MIB, MEMORY_RAM },
					     { MIB, MIB, MEMORY_RAM } };
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct machine m = { .iomem = { ram, 2 }, .crash = cases[i].crash };
		struct memory_map map = { 0 };
		size_t n = 1;

		assert_int_equal(x86_crash_map(&m, cases[i].headers, &map, &err), 0);
		assert_int_equal(map.entries[0].size, MIB);
		for (size_t k = 0; k < 2 && cases[i].sizes[k]; k++)
			assert_int_equal(map.entries[n++].size, cases[i].sizes[k]);
		assert_int_equal(map.count, n);
		memory_map_free(&map);
	}
}

/* An impossible entry of each type that is handed on. */
static void test_refused(void **state)
{
	static const uint32_t types[] = { MEMORY_RAM,	   MEMORY_ACPI, MEMORY_NVS,
					  MEMORY_RESERVED, MEMORY_PMEM, MEMORY_PRAM };

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct memory_entry bad = { 0x1000, 0, types[i] };
		struct machine m = { .iomem = { &bad, 1 }, .crash = { GIB, 2 * GIB } };
		struct memory_map map = { 0 };
		struct error err;

		assert_int_equal(
			x86_crash_map(&m, (struct range){ GIB, GIB + PAGE }, &map, &err),
			-EINVAL);
		assert_string_equal(err.text, "memory map: not a possible range");
		memory_map_free(&map);
	}
}

static void test_cmdline(void **state)
{
	static struct memory_entry map[] = {
		{ 0x1000, 0x2000, MEMORY_RAM },	 { 0x4000, 0x1000, MEMORY_ACPI },
		{ 0x5000, 0x1000, MEMORY_NVS },	 { 0x6000, 0x1000, MEMORY_RESERVED },
		{ 0x7000, 0x1000, MEMORY_PMEM }, { 0x8000, 0x1000, MEMORY_PRAM },
		{ 0x9000, 0x1000, MEMORY_RAM }, /* one too many */
	};
	const struct memory_map some = { map, COUNT(map) - 1 };
	char *text = x86_crash_cmdline(0x1f000000, "quiet", &some);

	(void)state;
	assert_string_equal(text, "elfcorehdr=0x1f000000 quiet memmap=exactmap "
				  "memmap=0x2000@0x1000 memmap=0x1000#0x4000 "
				  "memmap=0x1000#0x5000 memmap=0x1000$0x6000 "
				  "memmap=0x1000%0x7000+7 memmap=0x1000!0x8000");
	free(text);
	text = x86_crash_cmdline(0x1f000000, "quiet -- 1",
				 &(struct memory_map){ map, 1 });
	assert_string_equal(text, "elfcorehdr=0x1f000000 quiet memmap=exactmap "
				  "memmap=0x2000@0x1000 -- 1");
	free(text);
	text = x86_crash_cmdline(0x1f000000, NULL, NULL);
	assert_string_equal(text, "elfcorehdr=0x1f000000 ");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_pages), cmocka_unit_test(test_map),
		cmocka_unit_test(test_borders),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
