// SPDX-License-Identifier: GPL-2.0-only
#include "machine/e820.h"
#include "machine/text.h"

#include "check.h"

#include <errno.h>

static void test_names(void **state)
{
	/* as e820_type_to_string() of Linux 6.1 and 7.3 writes them */
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
	};
	uint32_t type;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		type = 99;
		assert_true(e820_type_from_name(text_from(cases[i].name), &type));
		assert_int_equal(type, cases[i].type);
	}
	assert_false(e820_type_from_name(text_from(""), &type));
	assert_false(e820_type_from_name(text_from("system RAM"), &type));
	assert_false(e820_type_from_name(text_from("System RAM (kmem)"), &type));
}

static void test_add_refuses(void **state)
{
	struct e820_map map = { 0 };

	(void)state;
	assert_int_equal(e820_add(&map, 1, 0, E820_RAM), -EINVAL);
	assert_int_equal(e820_add(&map, 0, UINT64_MAX, E820_RAM), -EINVAL);
	assert_int_equal(e820_add(&map, UINT64_MAX, UINT64_MAX, E820_RAM), -EINVAL);
	assert_int_equal(e820_add(&map, 0, UINT64_MAX - 1, E820_RAM), 0);
	for (size_t i = 1; i < E820_MAP_MAX; i++)
		assert_int_equal(e820_add(&map, i, i, E820_RAM), 0);
	assert_int_equal(e820_add(&map, 0, 0, E820_RAM), -E2BIG);
	assert_int_equal(map.count, E820_MAP_MAX);
	e820_free(&map);
	assert_string_equal(e820_strerror(-ENOENT), "No such file or directory");
}

static void test_sort_and_merge(void **state)
{
	static const struct boot_e820_entry expected[] = {
		{ 0x0000, 0x3000, E820_RAM },
		{ 0x3000, 0x1000, E820_RESERVED },
		{ 0x5000, 0x1000, E820_RAM },
		{ 0x6000, 0x1000, E820_PRAM },
		{ 0x7000, 0x1000, E820_PRAM },
		{ 0x8000, 0x1000, E820_SOFT_RESERVED },
		{ 0x9000, 0x1000, E820_SOFT_RESERVED },
		{ 0x9000, 0x2000, E820_SOFT_RESERVED },
	};
	struct e820_map map = { 0 };

	(void)state;
	e820_sort(&map);
	e820_merge(&map);
	assert_int_equal(map.count, 0);

	e820_add(&map, 0x9000, 0xafff, E820_SOFT_RESERVED);
	e820_add(&map, 0x9000, 0x9fff, E820_SOFT_RESERVED);
	e820_add(&map, 0x8000, 0x8fff, E820_SOFT_RESERVED);
	e820_add(&map, 0x7000, 0x7fff, E820_PRAM);
	e820_add(&map, 0x6000, 0x6fff, E820_PRAM);
	e820_add(&map, 0x5000, 0x5fff, E820_RAM);
	e820_add(&map, 0x3000, 0x3fff, E820_RESERVED);
	e820_add(&map, 0x2000, 0x2fff, E820_RAM);
	e820_add(&map, 0x0000, 0x0fff, E820_RAM);
	e820_add(&map, 0x1000, 0x1fff, E820_RAM);
	e820_sort(&map);
	e820_merge(&map);
	assert_int_equal(map.count, COUNT(expected));
	assert_memory_equal(map.entries, expected, sizeof(expected));
	e820_free(&map);
}

/* By address, then by size, then by type, whatever the order was. */
static void test_order(void **state)
{
	static const struct boot_e820_entry sorted[][3] = {
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
			struct boot_e820_entry entries[3];
			struct e820_map map = { entries, 3 };

			for (size_t n = 0; n < 3; n++)
				entries[n] = sorted[i][orders[k][n]];
			e820_sort(&map);
			assert_memory_equal(entries, sorted[i], sizeof(entries));
		}
	}
}

static void test_unknown_types(void **state)
{
	struct boot_params bp = { .e820_entries = 255 }; /* more than there is room for */
	struct e820_map map = { 0 };

	(void)state;
	bp.e820_table[0] = (struct boot_e820_entry){ 0x0000, 0x10000, E820_RAM };
	bp.e820_table[3] = (struct boot_e820_entry){ 0x1000, 0x2000, 6 };
	bp.e820_table[127] = (struct boot_e820_entry){ 0x8000, UINT64_MAX, 0xf0000001 };

	e820_add(&map, 0x0000, 0x0fff, E820_UNKNOWN); /* only in RAM */
	e820_add(&map, 0x1000, 0x2fff, E820_UNKNOWN); /* exactly the 6 */
	e820_add(&map, 0x2000, 0x2fff, E820_UNKNOWN); /* its end */
	e820_add(&map, 0x2000, 0x3fff, E820_UNKNOWN); /* sticks out */
	e820_add(&map, 0x9000, 0x9fff, E820_UNKNOWN);
	e820_add(&map, 0x5000, 0x5fff, E820_NVS);
	e820_resolve_unknown(&map, &bp);
	assert_int_equal(map.entries[0].type, E820_RESERVED);
	assert_int_equal(map.entries[1].type, 6);
	assert_int_equal(map.entries[2].type, 6);
	assert_int_equal(map.entries[3].type, E820_RESERVED);
	assert_int_equal(map.entries[4].type, 0xf0000001);
	assert_int_equal(map.entries[5].type, E820_NVS);

	map.entries[1].type = E820_UNKNOWN;
	e820_resolve_unknown(&map, NULL);
	assert_int_equal(map.entries[1].type, E820_RESERVED);
	e820_free(&map);
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
