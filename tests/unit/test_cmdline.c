// SPDX-License-Identifier: GPL-2.0-only
/* Command lines as text. */
#include "check.h"

#include "plan/cmdline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_inherit(void **state)
{
	static const struct {
		const char *running, *want;
		bool crash;
	} cases[] = {
		{ "", "", false },
		{ "ro quiet", "ro quiet", false },
		{ "BOOT_IMAGE=/vmlinuz ro", "ro", false },
		{ "  ro \t quiet\n", "ro quiet", false },
		{ "dyndbg=\"file a.c +p\" BOOT_IMAGE=/v ro", "dyndbg=\"file a.c +p\" ro",
		  false },
		{ "a=\"x BOOT_IMAGE=/v y\"", "a=\"x BOOT_IMAGE=/v y\"", false },
		{ "MY_BOOT_IMAGE=1 BOOT_IMAGEX=2", "MY_BOOT_IMAGE=1 BOOT_IMAGEX=2",
		  false },
		{ "a=\"unclosed b", "a=\"unclosed b", false },
		{ "crashkernel=256M ro crashkernel=1M,low", "ro", true },
		{ "crashkernel=256M ro", "crashkernel=256M ro", false },
		/* the kernel's spelling: quotes, and a dash for an underscore */
		{ "\"elfcorehdr=0x1 x\" hugetlb-cma=1G ro", "ro", true },
		/* behind "--", too: user space reads all of /proc/cmdline */
		{ "ro -- 1 BOOT_IMAGE=/v ignition.firstboot", "ro -- 1", false },
		{ "ignition.firstboot ignition.firstboot.x ro", "ignition.firstboot.x ro",
		  false },
		/* memmap= is the user's, unless a capture kernel got it */
		{ "memmap=4G!12G ro", "memmap=4G!12G ro", false },
		{ "elfcorehdr=0x1 ro memmap=exactmap memmap=1M@1M", "ro", false },
		{ "elfcorehdr=0x1 ro memmap=exactmap memmap=1M@1M", "ro", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = cmdline_inherit(cases[i].running, cases[i].crash);

		assert_non_null(got);
		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

/* Each word of the table is dropped when it says so, and then alone. */
static void test_inherit_table(void **state)
{
	char line[128];

	(void)state;
	for (const struct cmdline_dropped *d = cmdline_dropped; d->name; d++)
		for (int i = 0; i < 4; i++) {
			const bool crash = i & 1, capture = i & 2;
			const bool dropped = d->when == DROP_ALWAYS ||
					     (d->when == DROP_FOR_CRASH && crash) ||
					     (d->when == DROP_FROM_CAPTURE && capture);
			char *got;

			snprintf(line, sizeof(line), "ro %s=0x1 quiet%s", d->name,
				 capture ? " elfcorehdr=0x2" : "");
			got = cmdline_inherit(line, crash);
			assert_non_null(got);
			assert_string_equal(strstr(got, "quiet"), "quiet");
			assert_int_equal(!strcmp(got, "ro quiet"), dropped);
			free(got);
		}
}

static void test_without(void **state)
{
	char *got = cmdline_without("a  elfcorehdr=0x1 b elfcorehdr", "elfcorehdr");

	(void)state;
	assert_string_equal(got, "a b");
	free(got);
	assert_true(cmdline_has("ro elfcorehdr=0x1", "elfcorehdr"));
	assert_false(cmdline_has("ro elfcorehdr x=\"a elfcorehdr=1\"", "elfcorehdr"));
}

static void test_append(void **state)
{
	static const struct {
		const char *base, *more, *want;
	} cases[] = {
		{ NULL, NULL, "" },
		{ NULL, "quiet", "quiet" },
		{ "ro quiet", NULL, "ro quiet" },
		{ "ro", "quiet", "ro quiet" },
		{ "ro", "BOOT_IMAGE=mine  \"a  b\"", "ro BOOT_IMAGE=mine  \"a  b\"" },
		{ "ro -- 1", "quiet", "ro quiet -- 1" },
		{ "ro -- 1", " a  b ", "ro  a  b  -- 1" },
		{ "ro -- 1", "", "ro -- 1" },
		{ "ro -- 1", "quiet -- 2", "ro quiet -- 1 2" },
		{ "ro -- 1", "-- 2", "ro -- 1 2" },
		{ "ro -- 1", "quiet --", "ro quiet -- 1" },
		{ "ro", "quiet -- 2", "ro quiet -- 2" },
		{ "-- 1", "quiet", "quiet -- 1" },
		{ "ro --", "quiet", "ro quiet --" },
		/* no separators: the installer's mark, and text in quotes */
		{ "ro --- 1", "quiet", "ro --- 1 quiet" },
		{ "x=\"a -- b\"", "quiet", "x=\"a -- b\" quiet" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = cmdline_append(cases[i].base, cases[i].more);

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
		{ "console=ttyS0 -- console=ttyS1", { "ttyS0" } },
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
		cmocka_unit_test(test_inherit),	 cmocka_unit_test(test_inherit_table),
		cmocka_unit_test(test_without),	 cmocka_unit_test(test_append),
		cmocka_unit_test(test_consoles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
