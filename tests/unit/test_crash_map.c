// SPDX-License-Identifier: GPL-2.0-only
/* What a crash kernel is told of memory, and the room that the running one needs: tables. */
#include "check.h"

#include "base/units.h"
#include "machine/e820.h"
#include "plan/crash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIXED 15 /* pages that are needed whatever memory there is */

struct hole_case {
	struct boot_e820_entry map[3];
	unsigned int tables;	/* with 2 MiB pages */
	unsigned int gb_tables; /* with 1 GiB pages */
};

static const struct hole_case hole_cases[] = {
	{ { { MIB, GIB - MIB, E820_RAM } }, 2, 2 },
	{ { { MIB, GIB - MIB + 1, E820_RAM } }, 3, 3 },
	{ { { GIB, GIB, E820_RAM } }, 2, 2 },
	{ { { GIB, 2 * GIB, E820_RAM } }, 3, 3 },
	{ { { GIB, 3 * GIB, E820_RAM } }, 4, 3 },
	{ { { 0, 512 * GIB, E820_RAM } }, 1 + 512, 1 + 2 },
	{ { { 0, 512 * GIB + 1, E820_RAM } }, 2 + 513, 2 + 2 },
	{ { { 0, 2048 * GIB, E820_RAM } }, 4 + 2048, 4 + 2 },
	/* entries that share a table */
	{ { { MIB, MIB, E820_RAM }, { 3 * MIB, MIB, E820_RAM } }, 2, 2 },
	{ { { MIB, GIB, E820_RAM }, { GIB + 3 * MIB, MIB, E820_RAM } }, 3, 3 },
	{ { { MIB, GIB, E820_RAM }, { GIB + 3 * MIB, GIB, E820_RAM } }, 4, 4 },
	{ { { MIB, GIB, E820_RAM }, { 2 * GIB, MIB, E820_RAM } }, 4, 4 },
	{ { { MIB, GIB, E820_RAM }, { GIB + 3 * MIB, 4 * GIB, E820_RAM } }, 7, 5 },
	/* one in the other, as in /proc/iomem */
	{ { { 4 * GIB, 8 * GIB, E820_PMEM }, { 5 * GIB, GIB, E820_RAM } }, 9, 3 },
	/* each kind that is mapped, and what is not */
	{ { { GIB, MIB, E820_PMEM } }, 2, 2 },
	{ { { GIB, MIB, E820_PRAM } }, 2, 2 },
	{ { { GIB, MIB, E820_SOFT_RESERVED } }, 2, 2 },
	{ { { GIB, MIB, E820_RESERVED }, { 2 * GIB, MIB, E820_ACPI } }, 0, 0 },
	{ { { 0 } }, 0, 0 },
};

static const struct boot_e820_entry one_too_many = { 4096 * GIB, GIB, E820_RAM };

static void test_hole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hole_cases); i++) {
		struct boot_e820_entry entries[4];
		struct e820_map map = { entries, 0 };
		uint64_t pages = FIXED + hole_cases[i].tables;

		memcpy(entries, hole_cases[i].map, sizeof(hole_cases[i].map));
		while (map.count < 3 && entries[map.count].size)
			map.count++;
		entries[map.count] = one_too_many;
		if (crash_hole_needed(&map, false) != pages * PAGE ||
		    crash_hole_needed(&map, true) !=
			    (FIXED + hole_cases[i].gb_tables) * PAGE)
			fail_msg("case %zu", i);
		assert_int_equal(crash_hole_size(&map, false),
				 (pages + FIXED + pages / 8) * PAGE);
	}
}

/* A machine with everything; the map of its crash kernel is compared as a whole. */
static struct boot_e820_entry iomem[] = {
	{ 0x1000, 0x9ec00, E820_RAM },
	{ 0x9fc00, 0x400, E820_RESERVED },
	{ 0xf0000, 0x10001, E820_RAM }, /* across the first MiB's end */
	{ MIB + 0x10000, GIB, E820_RAM },
	{ 2 * GIB, 0x1000, E820_ACPI },
	{ 2 * GIB + 0x1000, 0x800, E820_NVS },
	{ 2 * GIB + 0x2000, 0x1000, E820_UNUSABLE },
	{ 3 * GIB, GIB, E820_RESERVED },
	{ 4 * GIB, 0x1000, E820_ACPI },
	{ 5 * GIB, GIB, E820_PMEM },
	{ 0x200, 0x100, E820_RAM }, /* a nested one comes out of order */
	{ 0x400, 0x100, E820_RAM }, /* one too many */
};

static void test_e820(void **state)
{
	static const struct boot_e820_entry want[] = {
		{ 0x1000, 0x9ec00, E820_RAM },
		{ 0xf0000, 0x10000, E820_RAM },
		{ 0x200, 0x100, E820_RAM },
		{ 2 * GIB, 0x1000, E820_ACPI },
		{ 4 * GIB, 0x1000, E820_ACPI },
		{ 2 * GIB + 0x1000, 0x800, E820_NVS },
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 3 * GIB, GIB, E820_RESERVED },
		{ 16 * MIB, 16 * MIB, E820_RAM },
		{ 512 * MIB, 0x21000, E820_RAM },
		{ 512 * MIB + 0x23000, 256 * MIB - 0x23000, E820_RAM },
	};
	struct facts f = { .iomem = { iomem, COUNT(iomem) - 1 },
			   .crash = { 512 * MIB, 768 * MIB },
			   .crash_low = { 16 * MIB, 32 * MIB } };
	struct e820_map map = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(
		crash_e820(&f, (struct range){ 512 * MIB + 0x21000, 512 * MIB + 0x23000 },
			   &map, &err),
		0);
	assert_int_equal(map.count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		assert_memory_equal(&map.entries[i], &want[i], sizeof(want[i]));
	e820_free(&map);
}

/* The first MiB ends where an entry begins or ends, and the headers where the region does. */
static void test_borders(void **state)
{
	static const struct {
		struct range crash, headers;
		uint64_t sizes[2]; /* of what is left of the region */
	} cases[] = {
		{ { GIB, 2 * GIB }, { GIB, GIB + PAGE }, { GIB - PAGE } },
		{ { GIB, 2 * GIB }, { 2 * GIB - PAGE, 2 * GIB }, { GIB - PAGE } },
		{ { GIB, 2 * GIB }, { GIB + PAGE, 2 * GIB }, { PAGE } },
		{ { GIB + 1, 2 * GIB }, { GIB + PAGE, 2 * GIB }, { 0 } },
		{ { GIB, 2 * GIB }, { GIB, 2 * GIB - PAGE }, { PAGE } },
		{ { GIB, 2 * GIB }, { GIB + PAGE, 2 * GIB - PAGE }, { PAGE, PAGE } },
	};
	static struct boot_e820_entry ram[] = { { 0, MIB, E820_RAM },
						{ MIB, MIB, E820_RAM } };
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct facts f = { .iomem = { ram, 2 }, .crash = cases[i].crash };
		struct e820_map map = { 0 };
		size_t n = 1;

		assert_int_equal(crash_e820(&f, cases[i].headers, &map, &err), 0);
		assert_int_equal(map.entries[0].size, MIB);
		for (size_t k = 0; k < 2 && cases[i].sizes[k]; k++)
			assert_int_equal(map.entries[n++].size, cases[i].sizes[k]);
		assert_int_equal(map.count, n);
		e820_free(&map);
	}
}

/* An entry that cannot be, of each kind that is handed on. */
static void test_refused(void **state)
{
	static const uint32_t types[] = { E820_RAM, E820_ACPI, E820_NVS, E820_RESERVED };

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct boot_e820_entry bad = { 0x1000, 0, types[i] };
		struct facts f = { .iomem = { &bad, 1 }, .crash = { GIB, 2 * GIB } };
		struct e820_map map = { 0 };
		struct error err;

		assert_int_equal(
			crash_e820(&f, (struct range){ GIB, GIB + PAGE }, &map, &err),
			-EINVAL);
		assert_string_equal(err.text, "memory map: not a possible range");
		e820_free(&map);
	}
}

static void test_cmdline(void **state)
{
	static struct boot_e820_entry map[] = {
		{ 0x1000, 0x2000, E820_RAM }, { 0x4000, 0x1000, E820_ACPI },
		{ 0x5000, 0x1000, E820_NVS }, { 0x6000, 0x1000, E820_RESERVED },
		{ 0x7000, 0x1000, E820_RAM }, /* one too many */
	};
	const struct e820_map some = { map, COUNT(map) - 1 };
	char *text = crash_cmdline(0x1f000000, "quiet", &some);

	(void)state;
	assert_string_equal(text, "elfcorehdr=0x1f000000 quiet memmap=exactmap "
				  "memmap=0x2000@0x1000 memmap=0x1000#0x4000 "
				  "memmap=0x1000#0x5000 memmap=0x1000$0x6000");
	free(text);
	text = crash_cmdline(0x1f000000, NULL, NULL);
	assert_string_equal(text, "elfcorehdr=0x1f000000 ");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hole),	cmocka_unit_test(test_e820),
		cmocka_unit_test(test_borders), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
