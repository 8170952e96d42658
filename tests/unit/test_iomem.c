// SPDX-License-Identifier: GPL-2.0-only
#include "machine/memory_map.h"
#include "machine/iomem.h"
#include "base/text.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct iomem parse(const char *text)
{
	struct error err = { "" };
	struct iomem m;

	assert_int_equal(iomem_parse(text_from(text), &m, &err), 0);
	assert_string_equal(err.text, "");
	return m;
}

static void assert_entry(const struct memory_map *map, size_t i, uint64_t start,
			 uint64_t last, uint32_t type)
{
	assert_in_range(i, 0, map->count - 1);
	assert_int_equal(map->entries[i].addr, start);
	assert_int_equal(map->entries[i].size, last - start + 1);
	assert_int_equal(map->entries[i].type, type);
}

static void test_kinds(void **state)
{
	struct iomem m = parse("00000000-00000fff : Reserved\n"
			       "00001000-0009fbff : System RAM\n"
			       "000a0000-000bffff : PCI Bus 0000:00\n"
			       "00100000-3fffffff : System RAM\n"
			       "  01000000-01ffffff : Kernel code\n"
			       "  2f000000-3effffff : Crash kernel\n"
			       "40000000-4000ffff : ACPI Tables\n"
			       "40010000-4001ffff : ACPI Non-volatile Storage\n"
			       "b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]\n"
			       "  b0000000-bfffffff : Reserved\n"
			       "    b0000000-bfffffff : pnp 00:06\n"
			       "fed00000-fed003ff : HPET 0\n"
			       "100000000-1ffffffff : Persistent Memory\n"
			       "  140000000-17fffffff : System RAM (kmem)\n"
			       "ffffffffffff0000-ffffffffffffffff : some device\n");

	(void)state;
	assert_false(m.hidden);
	assert_int_equal(m.map.count, 8);
	assert_entry(&m.map, 0, 0, 0xfff, MEMORY_RESERVED);
	assert_entry(&m.map, 1, 0x1000, 0x9fbff, MEMORY_RAM);
	assert_entry(&m.map, 2, 0x100000, 0x3fffffff, MEMORY_RAM);
	assert_entry(&m.map, 3, 0x40000000, 0x4000ffff, MEMORY_ACPI);
	assert_entry(&m.map, 4, 0x40010000, 0x4001ffff, MEMORY_NVS);
	assert_entry(&m.map, 5, 0xb0000000, 0xbfffffff, MEMORY_RESERVED);
	assert_entry(&m.map, 6, 0x100000000, 0x1ffffffff, MEMORY_PMEM);
	assert_entry(&m.map, 7, 0x140000000, 0x17fffffff, MEMORY_RAM);
	assert_int_equal(m.crash_count, 1);
	assert_int_equal(m.crash[0].start, 0x2f000000);
	assert_int_equal(m.crash[0].end, 0x3f000000);
	/* segments stay out of driver-managed memory */
	assert_int_equal(m.ram.count, 2);
	assert_int_equal(m.ram.items[1].start, 0x100000);
	assert_int_equal(m.ram.items[1].end, 0x40000000);
	iomem_free(&m);
	assert_int_equal(m.map.count, 0);
}

static void test_touching_ram_stays_apart_in_the_map(void **state)
{
	/* the kernel lists setup_data separately; for placement it is RAM */
	struct iomem m = parse("00900000-3d7fb017 : System RAM\n"
			       "3d7fb018-3d804c57 : System RAM\n"
			       "3d804c58-3ea9ffff : System RAM\n");

	(void)state;
	assert_int_equal(m.map.count, 3);
	assert_int_equal(m.ram.count, 1);
	assert_int_equal(m.ram.items[0].end, 0x3eaa0000);
	iomem_free(&m);
}

static void test_nested_in_its_own_type(void **state)
{
	struct iomem m = parse("00001000-00002fff : Reserved\n"
			       "  00001000-00001fff : Reserved\n"
			       "00004000-00005fff : Reserved\n"
			       "  00005000-00006fff : Reserved\n"
			       "00005800-00005fff : System RAM\n"
			       "  00006fff-00007000 : Reserved\n");

	(void)state;
	assert_int_equal(m.map.count, 5);
	assert_entry(&m.map, 0, 0x1000, 0x2fff, MEMORY_RESERVED);
	assert_entry(&m.map, 1, 0x4000, 0x5fff, MEMORY_RESERVED);
	assert_entry(&m.map, 2, 0x6000, 0x6fff, MEMORY_RESERVED);
	assert_entry(&m.map, 3, 0x5800, 0x5fff, MEMORY_RAM);
	assert_entry(&m.map, 4, 0x7000, 0x7000, MEMORY_RESERVED); /* one byte */
	iomem_free(&m);
}

static void test_hidden(void **state)
{
	struct iomem m = parse("00000000-00000000 : Reserved\n"
			       "00000000-00000000 : System RAM\n"
			       "  00000000-00000000 : Crash kernel\n");

	(void)state;
	assert_true(m.hidden);
	assert_int_equal(m.map.count, 0);
	assert_int_equal(m.ram.count, 0);
	assert_int_equal(m.crash_count, 0);
	iomem_free(&m);
	m = parse("");
	assert_false(m.hidden);
	iomem_free(&m);
}

static void test_names_that_only_look_alike(void **state)
{
	struct iomem m = parse("00001000-00001fff : System RAMdisk\n"
			       "00002000-00002fff : System ROM\n"
			       "00003000-00003fff : reservedly\n"
			       "00003000-00003fff : System RAM2 (kmem)\n"
			       "00004000-00004fff : \n"
			       "00005000-00005fff : <BAD>\n"
			       "00006000-00006fff : Crash kernel 2\n");

	(void)state;
	assert_int_equal(m.map.count, 0);
	assert_int_equal(m.ram.count, 0);
	assert_int_equal(m.crash_count, 0);
	iomem_free(&m);
}

/* Linux 4.11 and older. */
static void test_small_letters(void **state)
{
	struct iomem m = parse("00001000-00001fff : reserved\n"
			       "00002000-00002fff : system ram\n"
			       "00003000-00003fff : System ram (kmem)\n");

	(void)state;
	assert_int_equal(m.map.count, 3);
	assert_int_equal(m.map.entries[0].type, MEMORY_RESERVED);
	assert_int_equal(m.map.entries[1].type, MEMORY_RAM);
	assert_int_equal(m.map.entries[2].type, MEMORY_RAM);
	assert_int_equal(m.ram.count, 1);
	iomem_free(&m);
}

static void test_bad_text(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "\n", "line 1 is not a memory resource" },
		{ "rubbish\n", "line 1 is not a memory resource" },
		{ "00001000\n", "line 1 is not a memory resource" },
		{ "00001000-\n", "line 1 is not a memory resource" },
		{ "00001000-00001fff", "line 1 is not a memory resource" },
		{ "00001000-00001fff System RAM\n", "line 1 is not a memory resource" },
		{ "00001000-0000xfff : System RAM\n", "line 1 is not a memory resource" },
		{ "-00001fff : System RAM\n", "line 1 is not a memory resource" },
		{ "10000000000000000-10000000000000fff : System RAM\n",
		  "line 1 is not a memory resource" },
		{ "00001000-00001fff : System RAM\n00002000-0000",
		  "line 2 is not a memory resource" },
		{ "00002000-00001fff : System RAM\n", "line 1: not a possible range" },
		{ "00002000-00001fff : anything\n", "line 1: not a possible range" },
		{ "00001000-ffffffffffffffff : System RAM\n",
		  "line 1: not a possible range" },
		{ "00001000-ffffffffffffffff : Reserved\n",
		  "line 1: not a possible range" },
		{ "00001000-ffffffffffffffff : Crash kernel\n",
		  "line 1: not a possible range" },
		{ "00001000-00001fff : Crash kernel\n"
		  "00003000-00003fff : Crash kernel\n"
		  "00005000-00005fff : Crash kernel\n",
		  "line 3: not a possible range" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = { "" };
		struct iomem m;

		assert_int_equal(iomem_parse(text_from(cases[i].text), &m, &err),
				 -EINVAL);
		assert_string_equal(err.text, cases[i].message);
		assert_null(m.map.entries);
		assert_null(m.ram.items);
	}
}

/* 100 000 lines, ascending or descending, within the time limit of a test. */
static void test_far_too_many_lines(void **state)
{
	const size_t lines = 100000;
	char *text = malloc(lines * 48);

	(void)state;
	assert_non_null(text);
	for (int downwards = 0; downwards < 2; downwards++) {
		struct error err = { "" };
		size_t used = 0;
		struct iomem m;

		for (size_t i = 0; i < lines; i++) {
			size_t start = (downwards ? lines - i : i + 1) * 0x2000;

			used += (size_t)sprintf(text + used, "%08zx-%08zx : System RAM\n",
						start, start + 0xfff);
		}
		assert_int_equal(
			iomem_parse((struct bytes){ (uint8_t *)text, used }, &m, &err),
			-E2BIG);
		assert_non_null(strstr(err.text, "more entries than a machine can have"));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_touching_ram_stays_apart_in_the_map),
		cmocka_unit_test(test_nested_in_its_own_type),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_names_that_only_look_alike),
		cmocka_unit_test(test_small_letters),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_far_too_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
