// SPDX-License-Identifier: GPL-2.0-only
/* An error is one line whatever goes into it. */
#include "check.h"

#include "error.h"

#include <errno.h>
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

static void test_long_text_is_cut(void **state)
{
	char name[2 * ERROR_TEXT_MAX];
	struct error err;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	error_set(&err, EINVAL, "%s", name);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	for (size_t n = ERROR_TEXT_MAX - 8; n < ERROR_TEXT_MAX + 8; n++) {
		error_set(&err, EINVAL, "%s", name);
		error_prefix(&err, "%.*s", (int)n, name);
		assert_true(strlen(err.text) < ERROR_TEXT_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
