// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"
#include "base/text.h"

#include "check.h"

#include <errno.h>
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

static void test_number(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "7", true, 7 },
		{ "10", true, 10 },
		{ "4096", true, 4096 },
		{ "4294967296", true, 1ull << 32 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "0x0", true, 0 },
		{ "0x10", true, 0x10 },
		{ "0x010", true, 0x10 },
		{ "0x3FFff028", true, 0x3ffff028 },
		{ "0xffffffffffffffff", true, UINT64_MAX },
		/* overflow: by one, by a digit, by far */
		{ "18446744073709551616", false, 0 },
		{ "18446744073709551620", false, 0 },
		{ "100000000000000000000", false, 0 },
		{ "99999999999999999999999999", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "0x00000000000000001", false, 0 }, /* 17 digits */
		/* octal or decimal? */
		{ "00", false, 0 },
		{ "010", false, 0 },
		{ "0755", false, 0 },
		{ "09", false, 0 },
		{ "0000000010", false, 0 },
		/* hexadecimal without 0x */
		{ "1f", false, 0 },
		{ "ff", false, 0 },
		{ "deadbeef", false, 0 },
		{ "3ffff02c", false, 0 },
		{ "10h", false, 0 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "x1", false, 0 },
		{ "0X10", false, 0 },
		{ "0x0x1", false, 0 },
		{ "0xg", false, 0 },
		{ "0b1", false, 0 },
		{ "0o7", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "-0x1", false, 0 },
		{ "0x-1", false, 0 },
		{ "0x 1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "1\n", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ "1_000", false, 0 },
		{ "1K", false, 0 },
		{ "/", false, 0 }, /* the characters next to the digits */
		{ "1:", false, 0 },
		{ "\xb9", false, 0 },
	};
	static const uint8_t with_nul[] = { '1', 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 0x5a5a;

		if (text_number(text_from(cases[i].text), &value) != cases[i].ok)
			fail_msg("'%s': %d", cases[i].text, !cases[i].ok);
		assert_int_equal(value, cases[i].ok ? cases[i].value : 0x5a5a);
	}
	for (size_t size = 0; size <= sizeof(with_nul); size++) {
		uint64_t value = 0x5a5a;

		assert_int_equal(text_number((struct bytes){ with_nul, size }, &value),
				 size == 1);
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
	assert_true(text_equals(rest, "0x1")); /* unchanged */
}

/* Trouble of the machine, not with the file. */
static void test_trouble(void **state)
{
	static const int trouble[] = { ENOMEM, EMFILE, ENFILE, EIO };
	static const int other[] = { 0, ENOENT, EINVAL, EACCES, ENODATA };

	(void)state;
	for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++)
		assert_true(file_is_trouble(-trouble[i]));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_false(file_is_trouble(-other[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_trim_and_compare),
		cmocka_unit_test(test_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
