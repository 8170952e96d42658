// SPDX-License-Identifier: GPL-2.0-only
/* Command lines as text. */
#include "check.h"

#include "plan/cmdline.h"

#include <stdlib.h>

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
		  false }, /* asked for by the user */
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

struct serial_case {
	const char *cmdline;
	unsigned int port, baud;
};

static void test_serial(void **state)
{
	static const struct serial_case cases[] = {
		{ "", 0, 0 },
		{ "console=tty0", 0, 0 },
		{ "console=ttyS0", 0x3f8, 0 },
		{ "quiet console=ttyS1,115200n8 ro", 0x2f8, 115200 },
		{ "console=ttyS0,9600 console=tty0", 0x3f8, 9600 },
		{ "console=ttyS0 console=ttyS3,57600", 0x2e8, 57600 },
		{ "console=ttyS4", 0, 0 },
		{ "console=ttyS10", 0, 0 },
		{ "console=ttyUSB0", 0, 0 },
		{ "myconsole=ttyS0", 0, 0 },
		{ "console=", 0, 0 },
		{ "console", 0, 0 },
		{ "x=\"console=ttyS0\"", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cmdline_console c = cmdline_serial(cases[i].cmdline);

		assert_int_equal(c.port, cases[i].port);
		assert_int_equal(c.baud, cases[i].baud);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
