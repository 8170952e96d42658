// SPDX-License-Identifier: GPL-2.0-only
/* argv to options, as in kexec-tools. */
#include "check.h"

#include "base/text.h"
#include "image/format.h"
#include "options.h"
#include "purgatory_params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 12

/* Parses the words of @line. */
static int parse(const char *line, struct options *o, struct error *err)
{
	static char text[256]; /* options point into it */
	char *argv[MAX_WORDS + 2] = { (char[]){ "kexec" } };
	int argc = 1;

	assert_true(strlen(line) < sizeof(text));
	strcpy(text, line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	return options_parse(argc, argv, o, err);
}

struct action_case {
	const char *line;
	bool load, unload, exec, shutdown, sync, ifdown;
};

static void test_actions(void **state)
{
	static const struct action_case cases[] = {
		/*               load  unl  exec  shut  sync  ifdown */
		{ "k", true, false, false, true, true, false },
		{ "-l k", true, false, false, false, true, false },
		{ "-e", false, false, true, false, true, true },
		{ "-e -x", false, false, true, false, true, false },
		{ "-e -y", false, false, true, false, false, true },
		{ "-f k", true, false, true, false, true, true },
		{ "-u", false, true, false, false, false, false },
		{ "-p -u", false, true, false, false, false, false },
		{ "-u -p", false, true, false, false, false, false },
		{ "-u -e", false, true, true, false, true, true },
		{ "-f -u", false, true, true, false, false, true },
		{ "-e -l k", true, false, false, false, true, true },
	};
	struct options o;
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct action_case *c = &cases[i];

		assert_int_equal(parse(c->line, &o, &err), 0);
		assert_int_equal(o.load, c->load);
		assert_int_equal(o.unload, c->unload);
		assert_int_equal(o.exec, c->exec);
		assert_int_equal(o.shutdown, c->shutdown);
		assert_int_equal(o.sync, c->sync);
		assert_int_equal(o.ifdown, c->ifdown);
	}
}

static void test_values(void **state)
{
	struct options o;
	struct error err;

	(void)state;
	assert_int_equal(
		parse("-l k --initrd=i --append=a --mem-min=0x100000 --mem-max=4095 "
		      "--seed=require --seed-timeout=3 --on-corruption=halt",
		      &o, &err),
		0);
	assert_string_equal(o.request.kernel, "k");
	assert_string_equal(o.request.initrd, "i");
	assert_string_equal(o.request.cmdline, "a");
	assert_int_equal(o.request.mem_min, 0x100000);
	assert_int_equal(o.request.mem_max, 4096); /* the user gives the last address */
	assert_int_equal(o.request.seed, SEED_REQUIRE);
	assert_int_equal(o.request.seed_timeout, 3);
	assert_int_equal(o.request.on_corruption, PURGATORY_HALT);
	assert_int_equal(o.request.method, METHOD_AUTO);

	assert_int_equal(parse("-l k --ramdisk i --command-line a -c -c", &o, &err), 0);
	assert_string_equal(o.request.initrd, "i");
	assert_string_equal(o.request.cmdline, "a");
	assert_int_equal(o.request.method, METHOD_LOAD);
	assert_int_equal(o.request.seed, SEED_AUTO);
	assert_int_equal(o.request.seed_timeout, 10);
	assert_int_equal(o.request.mem_max, 0);

	assert_int_equal(parse("-l k --mem-max=0xffffffffffffffff", &o, &err), 0);
	assert_int_equal(o.request.mem_max, 0);
	assert_int_equal(parse("-l k --serial=0x2f8 --serial-baud=9600", &o, &err), 0);
	assert_int_equal(o.request.serial_port, 0x2f8);
	assert_int_equal(o.request.serial_baud, 9600);
	assert_false(o.request.caches_off);
	assert_int_equal(parse("-l k --purgatory-caches=off", &o, &err), 0);
	assert_true(o.request.caches_off);
	assert_int_equal(parse("-l k --purgatory-caches=on", &o, &err), 0);
	assert_false(o.request.caches_off);
	assert_int_not_equal(parse("-l k --purgatory-caches=no", &o, &err), 0);
	assert_int_equal(parse("-l k --serial=ttyS1", &o, &err), 0);
	assert_int_equal(o.request.serial_port, 0x2f8);
	assert_int_equal(parse("-s --dry-run -l k --kexec-file-syscall", &o, &err), 0);
	assert_int_equal(o.request.method, METHOD_FILE);
	assert_true(o.request.dry_run);
	assert_false(o.boot_data);
	assert_int_equal(parse("-l --dry-run=boot-data k -c", &o, &err), 0);
	assert_true(o.request.dry_run && o.boot_data);
}

/* Several of these options are joined in order. */
static void test_joined(void **state)
{
	struct options o;
	struct error err;

	(void)state;
	assert_int_equal(parse("-l k --initrd=a --ramdisk b --initrd=c --append=x "
			       "--command-line=y --append=z",
			       &o, &err),
			 0);
	assert_string_equal(o.request.initrd, "a\nb\nc");
	assert_string_equal(o.request.cmdline, "x y z");
	options_free(&o);
	assert_int_equal(parse("-l k --append= --append=x", &o, &err), 0);
	assert_string_equal(o.request.cmdline, "x");
	options_free(&o);
	assert_int_equal(parse("-l k --append=a --append=x --help", &o, &err), 0);
	assert_null(o.appended);
	assert_int_equal(parse("-l k --append=a --append=x --bogus", &o, &err), -EINVAL);
}

static void test_status_asks_for_crash(void **state)
{
	struct options o;
	struct error err;

	(void)state;
	assert_int_equal(parse("-S", &o, &err), 0);
	assert_int_equal(o.request.target, KEXEC_TARGET_CRASH);
	assert_int_equal(parse("-S -l", &o, &err), 0);
	assert_int_equal(o.request.target, KEXEC_TARGET_NORMAL);
	assert_int_equal(parse("-S -l -p", &o, &err), 0);
	assert_int_equal(o.request.target, KEXEC_TARGET_CRASH);
}

/* The first question is answered; what follows it is not read. */
static void test_questions(void **state)
{
	static const struct {
		const char *line;
		bool help, version, crash_size;
	} cases[] = {
		{ "-h", true, false, false },
		{ "-hQ", true, false, false },
		{ "-l k -h --bogus", true, false, false },
		{ "-v -h", false, true, false },
		{ "--v --real-mode", false, true, false },
		{ "--print-ckr-size -v k k", false, false, true },
	};
	struct options o;
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].line, &o, &err), 0);
		assert_int_equal(o.help, cases[i].help);
		assert_int_equal(o.version, cases[i].version);
		assert_int_equal(o.crash_size, cases[i].crash_size);
		assert_false(o.load || o.unload || o.exec || o.shutdown);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"-l",
		"-e k",
		"--load k --exec",
		"k k2",
		"-l k --bogus",
		"-l k --bogus -h",
		"-l k -Q",
		"-l k --mem-min=",
		"-l k --mem-min=12x",
		"-l k --mem-min=-1",
		"-l k --mem-min=0x10000000000000000",
		"-l k --seed=maybe",
		"-l k --seed-timeout=4000",
		"-l k --on-corruption=panic",
		"-l k --serial=ttyS9",
		"-l k --serial=0x10000",
		"-l k --serial=0x3f8z",
		"-l k --serial-baud=1200",
		"-l k --serial-baud=14401",
		"-l k --initrd=i --reuseinitrd",
		"-l k --json",
		"-l k --facts=x",
		"-e --dry-run",
		"-l k -s --seed=off",
		"-l k -s -c",
		"-l k -c -s",
		"-l k -sc",
		"-l k -a -s",
		"-l k -c -a",
		"-l k -s --kexec-syscall",
		"-l k --dry-run=boot",
		"-l k -s --dry-run=boot-data",
		"-u --dry-run",
		"-l k -u --dry-run",
		"-l k --hotplug",
		"-l k --pass-memmap-cmdline",
		"-p k -s --pass-memmap-cmdline",
		"-p k -s --seed=off",
		"-l k --load=foo",
		"-l k --load-p",
		"-l k --s",
		"-l k -:",
		"-l k -t",
		"-l k --append=a b",
		"-lQx k",
		"-l k --initrd",
		"-l k --initrd=",
		"-l k --initrd=a --initrd=",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct options o;
		struct error err = { "" };

		assert_int_equal(parse(cases[i], &o, &err), -EINVAL);
		assert_true(strlen(err.text) > 0);
	}
}

/* The daemon's configuration reads it the same way: see test_daemon_conf.c. */
static void test_vmgenid_addr(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t addr;
	} cases[] = {
		{ "0", true, 0 },
		{ "0x0", true, 0 },
		{ "0x3ffff028", true, 0x3ffff028 },
		{ "0x3FFFF028", true, 0x3ffff028 },
		{ "1073737768", true, 0x3ffff028 },
		{ "16", true, 16 },
		{ "0xfffffffffffffff8", true, 0xfffffffffffffff8 },
		{ "18446744073709551608", true, 0xfffffffffffffff8 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "010", false, 0 }, /* octal 8, decimal 10 or hexadecimal 16 */
		{ "00000010", false, 0 },
		{ "3ffff028", false, 0 }, /* hexadecimal without 0x */
		{ "abc8", false, 0 },
		{ "0X10", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "-8", false, 0 },
		{ "+8", false, 0 },
		{ "8x", false, 0 },
	};
	struct options o;
	struct error err;

	(void)state;
	assert_int_equal(parse("-l k", &o, &err), 0);
	assert_false(o.request.vmgenid_given);
	assert_int_equal(parse("-l k --vmgenid-addr", &o, &err), -EINVAL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char line[128], expected[256];

		snprintf(line, sizeof(line), "-l k --vmgenid-addr=%s", cases[i].text);
		if (cases[i].ok) {
			assert_int_equal(parse(line, &o, &err), 0);
			assert_true(o.request.vmgenid_given);
			assert_int_equal(o.request.vmgenid_addr, cases[i].addr);
			continue;
		}
		snprintf(expected, sizeof(expected), "--vmgenid-addr=%s: %s",
			 cases[i].text, TEXT_NUMBER_RULE);
		assert_int_equal(parse(line, &o, &err), -EINVAL);
		assert_string_equal(err.text, expected);
	}
}

static void test_help_fits_a_screen(void **state)
{
	char *text = NULL;
	size_t size, lines = 0, width = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	options_print_help(f);
	fclose(f);
	for (size_t i = 0; i < size; i++, width++) {
		assert_true(width <= 80);
		if (text[i] == '\n') {
			lines++;
			width = 0;
		}
	}
	assert_in_range(lines, 10, 24);
	free(text);
}

static void assert_format(const struct image_format *format, const char *name)
{
	if (name)
		assert_string_equal(format->name, name);
	else
		assert_null(format);
}

static void test_types(void **state)
{
	static const struct {
		const char *line;
		int ret;
		const char *format; /* its name; NULL: none */
	} cases[] = {
		{ "-l k", 0, NULL },
		{ "-l k -t bzImage", 0, "bzImage" },
		{ "-l k -tbzImage64", 0, "bzImage" },
		{ "-l k --type=elf-x86_64", 0, "ELF vmlinux" },
		{ "-l k --type uki", 0, "UKI" },
		{ "-l k -t elf-x86", -ENOTSUP, NULL },
		{ "-l k -t multiboot-x86", -ENOTSUP, NULL },
		{ "-l k -t multiboot2-x86", -ENOTSUP, NULL },
		{ "-l k -t beoboot-x86", -ENOTSUP, NULL },
		{ "-l k -t nbi-x86", -ENOTSUP, NULL },
		{ "-l k -t bzimage", -EINVAL, NULL },
		{ "-l k --type=", -EINVAL, NULL },
	};
	struct options o;
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].line, &o, &err), cases[i].ret);
		if (!cases[i].ret)
			assert_format(o.request.format, cases[i].format);
		else
			assert_non_null(strstr(err.text, "--type="));
	}
}

static void test_entry(void **state)
{
	struct options o;
	struct error err;

	(void)state;
	assert_int_equal(parse("-l k --entry-32bit", &o, &err), 0);
	assert_true(o.request.entry_32bit);
	assert_int_equal(o.request.method, METHOD_LOAD); /* kexec_file_load() cannot */
	assert_int_equal(parse("-l k --entry-32bit -c", &o, &err), 0);
	assert_int_equal(parse("-l k --entry-32bit -s", &o, &err), -EINVAL);
	assert_int_equal(parse("-l k --entry=0", &o, &err), 0);
	assert_false(o.request.entry_32bit);
	assert_int_equal(parse("-l k --entry=0x0", &o, &err), 0);
	assert_int_equal(parse("-l k --entry=0x1000", &o, &err), -ENOTSUP);
	assert_int_equal(parse("-l k --entry=here", &o, &err), -EINVAL);
	assert_int_equal(parse("-l k --no-cma", &o, &err), 0);
	assert_true(o.request.no_cma);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_status_asks_for_crash),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_vmgenid_addr),
		cmocka_unit_test(test_help_fits_a_screen),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
