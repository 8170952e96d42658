// SPDX-License-Identifier: GPL-2.0-only
/* Command lines as text. */
#include "check.h"

#include "plan/cmdline.h"

#include <stdlib.h>
#include <string.h>

struct join_case {
	const char *base, *append, *want;
	bool crash;
};

static void test_join(void **state)
{
	static const struct join_case cases[] = {
		{ NULL, NULL, "", false },
		{ NULL, "quiet", "quiet", false },
		{ "ro quiet", NULL, "ro quiet", false },
		{ "ro", "quiet", "ro quiet", false },
		{ "BOOT_IMAGE=/vmlinuz ro", NULL, "ro", false },
		{ "BOOT_IMAGE=/vmlinuz", "ro", "ro", false },
		{ "  ro \t quiet\n", "x", "ro quiet x", false },
		{ "dyndbg=\"file a.c +p\" BOOT_IMAGE=/v ro", NULL,
		  "dyndbg=\"file a.c +p\" ro", false },
		{ "a=\"x BOOT_IMAGE=/v y\"", NULL, "a=\"x BOOT_IMAGE=/v y\"", false },
		{ "MY_BOOT_IMAGE=1 BOOT_IMAGEX=2", NULL, "MY_BOOT_IMAGE=1 BOOT_IMAGEX=2",
		  false },
		{ "ro", "BOOT_IMAGE=mine", "ro BOOT_IMAGE=mine",
		  false }, /* the user asks for it */
		{ "a=\"unclosed b", NULL, "a=\"unclosed b", false },
		{ "crashkernel=256M ro crashkernel=1M,low", "x", "ro x", true },
		{ "crashkernel=256M ro", NULL, "crashkernel=256M ro", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = cmdline_join(cases[i].base, cases[i].append, cases[i].crash);

		assert_non_null(got);
		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

#define NAMES 2

/* The devices of all console= words. Which ports they are: test_plan_purgatory.c. */
static void test_consoles(void **state)
{
	static const struct {
		const char *cmdline;
		const char *names[NAMES + 1]; /* up to NULL */
	} cases[] = {
		{ "", { NULL } },
		{ "console=tty0", { "tty0" } },
		{ "console=ttyS0", { "ttyS0" } },
		{ "quiet console=ttyS1,115200n8 ro", { "ttyS1" } },
		{ "console=ttyS0,9600 console=tty0", { "ttyS0", "tty0" } },
		{ "console=ttyS0 console=ttyS3,57600", { "ttyS0", "ttyS3" } },
		{ "console=ttyS4", { "ttyS4" } },
		{ "console=ttyS10", { "ttyS10" } },
		{ "console=ttyUSB0", { "ttyUSB0" } },
		{ " \tconsole=ttyS0\n", { "ttyS0" } },
		{ "myconsole=ttyS0", { NULL } },
		{ "consoles=ttyS0", { NULL } },
		{ "console=", { "" } },
		{ "console=,9600", { "" } },
		{ "console", { NULL } },
		{ "x=\"console=ttyS0\"", { NULL } },
		{ "x=\"a console=ttyS0\" console=ttyS1", { "ttyS1" } },
		{ "x=\"a console=ttyS0", { NULL } },
		{ "console=ttyS0 x=a,b", { "ttyS0" } }, /* the comma of another word */
		{ "console=123456789abcdef", { "123456789abcdef" } },
		{ "console=123456789abcdefg console=ttyS0", { "ttyS0" } },
		{ "console=123456789abcdefg", { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *at = cases[i].cmdline;
		const char *end = at + strlen(at);
		char name[CONSOLE_NAME_SIZE];

		for (size_t k = 0; cases[i].names[k]; k++) {
			assert_true(cmdline_next_console(&at, name));
			assert_string_equal(name, cases[i].names[k]);
			assert_true(at > cases[i].cmdline && at <= end);
		}
		assert_false(cmdline_next_console(&at, name));
		assert_true(at <= end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_consoles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
