// SPDX-License-Identifier: GPL-2.0-only
#include "machine/text.h"

#include "check.h"

#include <string.h>

static void test_hex(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} cases[] = {
		{ "0x0", true, 0 },
		{ "0x9fbff", true, 0x9fbff },
		{ "00100000", true, 0x100000 },
		{ "ABCdef", true, 0xabcdef },
		{ "0xffffffffffffffff", true, UINT64_MAX },
		{ "0x10000000000000000", false, 0 }, /* 17 digits */
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "0x0x1", false, 0 },
		{ "0X1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "1\n", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "12g4", false, 0 },
		{ "(null)", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 0x5a5a;

		assert_int_equal(text_hex(text_from(cases[i].text), &value), cases[i].ok);
		assert_int_equal(value, cases[i].ok ? cases[i].value : 0x5a5a);
	}
}

static void test_decimal(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "10", true, 10 },
		{ "4294967295", true, UINT32_MAX },
		{ "4294967296", false, 0 },
		{ "99999999999", false, 0 },
		{ "", false, 0 },
		{ "01", false, 0 },
		{ "1x", false, 0 },
		{ ".", false, 0 },
		{ "-1", false, 0 },
		{ "1\n", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t value = 0x5a5a;

		assert_int_equal(text_decimal(text_from(cases[i].text), &value),
				 cases[i].ok);
		assert_int_equal(value, cases[i].ok ? cases[i].value : 0x5a5a);
	}
}

static void test_cut(void **state)
{
	struct bytes rest = text_from("one\n\nthree"), piece;

	(void)state;
	assert_true(text_cut(&rest, '\n', &piece));
	assert_true(text_equals(piece, "one"));
	assert_true(text_cut(&rest, '\n', &piece));
	assert_true(text_equals(piece, ""));
	assert_true(text_cut(&rest, '\n', &piece));
	assert_true(text_equals(piece, "three"));
	assert_false(text_cut(&rest, '\n', &piece));
	rest = text_from("last\n");
	assert_true(text_cut(&rest, '\n', &piece));
	assert_false(text_cut(&rest, '\n', &piece));
	rest = text_from(NULL);
	assert_false(text_cut(&rest, '\n', &piece));
}

static void test_trim_and_compare(void **state)
{
	struct bytes rest;

	(void)state;
	assert_true(text_equals(text_trim(text_from(" \t a b\n\n")), "a b"));
	assert_true(text_equals(text_trim(text_from(" \n ")), ""));
	assert_false(text_equals(text_from("abc"), "ab"));
	assert_false(text_equals(text_from("ab"), "abc"));
	assert_true(text_starts(text_from("ACPI20=0x1"), "ACPI20=", &rest));
	assert_true(text_equals(rest, "0x1"));
	assert_false(text_starts(text_from("ACPI20=0x1"), "ACPI=", &rest));
	assert_true(text_equals(rest, "0x1")); /* as it was */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_trim_and_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
