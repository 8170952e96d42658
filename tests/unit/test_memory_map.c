// SPDX-License-Identifier: GPL-2.0-only
/* Memory maps: names of types, order, limits. */
#include "arch/x86/x86.h"
#include "base/text.h"
#include "machine/memory_map.h"

#include "check.h"

#include <errno.h>

static void assert_map(const struct memory_map *map, const struct memory_entry *expected,
		       size_t count)
{
	assert_int_equal(map->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(map->entries[i].addr, expected[i].addr);
		assert_int_equal(map->entries[i].size, expected[i].size);
		assert_int_equal(map->entries[i].type, expected[i].type);
	}
}

static void test_names(void **state)
{
	/* as written by e820_type_to_string() of Linux 6.1 to 7.3 */
	static const struct {
		const char *name;
		uint32_t type;
	} cases[] = {
		{ "System RAM", 1 },
		{ "Reserved", 2 },
		{ "ACPI Tables", 3 },
		{ "ACPI Non-volatile Storage", 4 },
		{ "Unusable memory", 5 },
		{ "Persistent Memory", 7 },
		{ "Persistent Memory (legacy)", 12 },
		{ "Soft Reserved", 0xefffffff },
		{ "Unknown E820 type", 0 },
		{ "reserved", 2 }, /* Linux 4.11 and older, for unknown types as well */
		{ "ACPI TABLES", 3 },
		{ "system RAM", 1 },
	};
	uint32_t type;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		type = 99;
		assert_true(memory_type_from_name(text_from(cases[i].name), &type));
		assert_int_equal(type, cases[i].type);
	}
	assert_false(memory_type_from_name(text_from(""), &type));
	assert_false(memory_type_from_name(text_from("System RA"), &type));
	assert_false(memory_type_from_name(text_from("System RAM (kmem)"), &type));
}

static void test_add_refuses(void **state)
{
	struct memory_map map = { 0 };

	(void)state;
	assert_int_equal(memory_map_add(&map, 1, 0, MEMORY_RAM), -EINVAL);
	assert_int_equal(memory_map_add(&map, 0, UINT64_MAX, MEMORY_RAM), -EINVAL);
	assert_int_equal(memory_map_add(&map, UINT64_MAX, UINT64_MAX, MEMORY_RAM),
			 -EINVAL);
	assert_int_equal(memory_map_add(&map, 0, UINT64_MAX - 1, MEMORY_RAM), 0);
	for (size_t i = 1; i < MEMORY_MAP_MAX; i++)
		assert_int_equal(memory_map_add(&map, i, i, MEMORY_RAM), 0);
	assert_int_equal(memory_map_add(&map, 0, 0, MEMORY_RAM), -E2BIG);
	assert_int_equal(map.count, MEMORY_MAP_MAX);
	memory_map_free(&map);
	assert_string_equal(memory_map_strerror(-ENOENT), "No such file or directory");
}

static void test_sort_and_merge(void **state)
{
	static const struct memory_entry expected[] = {
		{ 0x0000, 0x3000, MEMORY_RAM },
		{ 0x3000, 0x1000, MEMORY_RESERVED },
		{ 0x5000, 0x1000, MEMORY_RAM },
		{ 0x6000, 0x1000, MEMORY_PRAM },
		{ 0x7000, 0x1000, MEMORY_PRAM },
		{ 0x8000, 0x1000, MEMORY_SOFT_RESERVED },
		{ 0x9000, 0x1000, MEMORY_SOFT_RESERVED },
		{ 0x9000, 0x2000, MEMORY_SOFT_RESERVED },
	};
	struct memory_map map = { 0 };

	(void)state;
	memory_map_sort(&map);
	memory_map_merge(&map);
	assert_int_equal(map.count, 0);

	memory_map_add(&map, 0x9000, 0xafff, MEMORY_SOFT_RESERVED);
	memory_map_add(&map, 0x9000, 0x9fff, MEMORY_SOFT_RESERVED);
	memory_map_add(&map, 0x8000, 0x8fff, MEMORY_SOFT_RESERVED);
	memory_map_add(&map, 0x7000, 0x7fff, MEMORY_PRAM);
	memory_map_add(&map, 0x6000, 0x6fff, MEMORY_PRAM);
	memory_map_add(&map, 0x5000, 0x5fff, MEMORY_RAM);
	memory_map_add(&map, 0x3000, 0x3fff, MEMORY_RESERVED);
	memory_map_add(&map, 0x2000, 0x2fff, MEMORY_RAM);
	memory_map_add(&map, 0x0000, 0x0fff, MEMORY_RAM);
	memory_map_add(&map, 0x1000, 0x1fff, MEMORY_RAM);
	memory_map_sort(&map);
	memory_map_merge(&map);
	assert_map(&map, expected, COUNT(expected));
	memory_map_free(&map);
}

/* By address, then size, then type, from any order. */
static void test_order(void **state)
{
	static const struct memory_entry sorted[][3] = {
		{ { 1, 9, 9 }, { 2, 5, 5 }, { 3, 1, 1 } },
		{ { 5, 1, 9 }, { 5, 2, 5 }, { 5, 3, 1 } },
		{ { 5, 5, 1 }, { 5, 5, 2 }, { 5, 5, 3 } },
		{ { 0, 1, 1 }, { UINT64_MAX - 1, 1, 1 }, { UINT64_MAX, 1, 1 } },
	};
	static const unsigned char orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(sorted); i++) {
		for (size_t k = 0; k < COUNT(orders); k++) {
			struct memory_entry entries[3];
			struct memory_map map = { entries, 3 };

			for (size_t n = 0; n < 3; n++)
				entries[n] = sorted[i][orders[k][n]];
			memory_map_sort(&map);
			assert_map(&map, sorted[i], 3);
		}
	}
}

static void test_unknown_types(void **state)
{
	struct boot_params bp = { .e820_entries = 255 }; /* more than fit */
	struct memory_map map = { 0 };

	(void)state;
	bp.e820_table[0] = (struct boot_e820_entry){ 0x0000, 0x10000, MEMORY_RAM };
	bp.e820_table[3] = (struct boot_e820_entry){ 0x1000, 0x2000, 6 };
	bp.e820_table[127] = (struct boot_e820_entry){ 0x8000, UINT64_MAX, 0xf0000001 };

	memory_map_add(&map, 0x0000, 0x0fff, MEMORY_UNKNOWN); /* inside RAM only */
	memory_map_add(&map, 0x1000, 0x2fff,
		       MEMORY_UNKNOWN); /* exactly the entry of type 6 */
	memory_map_add(&map, 0x2000, 0x2fff, MEMORY_UNKNOWN); /* its end */
	memory_map_add(&map, 0x2000, 0x3fff, MEMORY_UNKNOWN); /* extends beyond it */
	memory_map_add(&map, 0x9000, 0x9fff, MEMORY_UNKNOWN);
	memory_map_add(&map, 0x5000, 0x5fff, MEMORY_NVS);
	x86_resolve_unknown(&map, &bp);
	assert_int_equal(map.entries[0].type, MEMORY_RESERVED);
	assert_int_equal(map.entries[1].type, 6);
	assert_int_equal(map.entries[2].type, 6);
	assert_int_equal(map.entries[3].type, MEMORY_RESERVED);
	assert_int_equal(map.entries[4].type, 0xf0000001);
	assert_int_equal(map.entries[5].type, MEMORY_NVS);

	map.entries[1].type = MEMORY_UNKNOWN;
	x86_resolve_unknown(&map, NULL);
	assert_int_equal(map.entries[1].type, MEMORY_RESERVED);
	memory_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_add_refuses),
		cmocka_unit_test(test_sort_and_merge), cmocka_unit_test(test_order),
		cmocka_unit_test(test_unknown_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
