// SPDX-License-Identifier: GPL-2.0-only
/* An error is always one line. */
#include "check.h"

#include "error.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void test_one_line(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, ENOENT, "%s: gone", "a\nb\033[2J\x7f"), -ENOENT);
	assert_string_equal(err.text, "a?b?[2J?: gone");
}

static void test_prefix(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, EINVAL, "too short");
	error_prefix(&err, "%s", "/boot/x");
	assert_string_equal(err.text, "/boot/x: too short");
}

static void assert_ends(const struct error *err, const char *start, const char *end)
{
	size_t length = strlen(err->text);

	assert_in_range(length, 1, ERROR_TEXT_MAX - 1);
	assert_memory_equal(err->text, start, strlen(start));
	assert_string_equal(err->text + length - strlen(end), end);
}

/* However long the path, the line has its start, its end and the cause. */
static void test_long_path(void **state)
{
	static char path[2 * PATH_MAX];
	static const size_t lengths[] = { ERROR_TEXT_MAX - 20, ERROR_TEXT_MAX - 19,
					  ERROR_TEXT_MAX, PATH_MAX, 2 * PATH_MAX - 1 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		memset(path, 'x', lengths[i]);
		memcpy(path, "/boot/", 6);
		strcpy(path + lengths[i] - 6, "/image");
		error_set(&err, ENOENT, "%s: it is not there", path);
		assert_ends(&err, "/boot/x", "/image: it is not there");
		error_set(&err, ENOENT, "it is not there");
		error_prefix(&err, "%s", path);
		assert_ends(&err, "/boot/x", "/image: it is not there");
		error_prefix(&err, "%s", path);
		assert_ends(&err, "/boot/x", "/image: it is not there");
	}
}

/* The longest line that stays whole, and the shortest that does not. */
static void test_length(void **state)
{
	char text[2 * ERROR_TEXT_MAX];
	struct error err;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[ERROR_TEXT_MAX - 1] = '\0';
	error_set(&err, EINVAL, "%s", text);
	assert_string_equal(err.text, text);
	text[ERROR_TEXT_MAX - 1] = 'x';
	text[ERROR_TEXT_MAX] = '\0';
	error_set(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_non_null(strstr(err.text, "x...x"));
}

/* A prefix longer than the line. */
static void test_endless_prefix(void **state)
{
	static char text[4 * PATH_MAX];
	struct error err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	error_set(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	error_set(&err, EINVAL, "the cause");
	error_prefix(&err, "%s", text);
	assert_ends(&err, "xxx", "xxx: the cause");
}

/* Only whole characters are left out. */
static void test_characters(void **state)
{
	char text[2 * ERROR_TEXT_MAX + 4];
	struct error err;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		text[0] = '\0';
		for (size_t i = 0; i < shift; i++)
			strcat(text, "-");
		while (strlen(text) < 2 * ERROR_TEXT_MAX)
			strcat(text, "\u20ac"); /* three bytes */
		error_set(&err, EINVAL, "%s", text);
		assert_true(mbstowcs(NULL, err.text, 0) != (size_t)-1);
		assert_ends(&err, shift ? "-" : "\u20ac", "\u20ac");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),       cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_long_path),      cmocka_unit_test(test_length),
		cmocka_unit_test(test_endless_prefix), cmocka_unit_test(test_characters),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
