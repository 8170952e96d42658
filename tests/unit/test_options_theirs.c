// SPDX-License-Identifier: GPL-2.0-only
/* Compatibility with kexec-tools: its options, their abbreviations, its callers. */
#include "check.h"

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses @line, whose words are separated by @stop. */
static int parse(const char *line, const char *stop, struct options *o, struct error *err)
{
	static char text[256]; /* options point into it */
	char *argv[16] = { (char[]){ "kexec" } }, *rest = text, *word;
	int argc = 1;

	assert_true(strlen(line) < sizeof(text));
	strcpy(text, line);
	while ((word = strsep(&rest, stop)) && argc < 15)
		argv[argc++] = word;
	return options_parse(argc, argv, o, err);
}

/* The options of kexec-tools 2.0.32 on x86_64, in its order. */
static const struct option theirs[] = {
	{ "help", 0, NULL, 1 },
	{ "version", 0, NULL, 2 },
	{ "force", 0, NULL, 3 },
	{ "no-checks", 0, NULL, 4 },
	{ "no-ifdown", 0, NULL, 5 },
	{ "no-sync", 0, NULL, 6 },
	{ "load", 0, NULL, 7 },
	{ "unload", 0, NULL, 8 },
	{ "exec", 0, NULL, 9 },
	{ "exec-live-update", 0, NULL, 10 },
	{ "load-preserve-context", 0, NULL, 11 },
	{ "load-jump-back-helper", 0, NULL, 12 },
	{ "load-live-update", 0, NULL, 13 },
	{ "entry", 1, NULL, 14 },
	{ "type", 1, NULL, 15 },
	{ "load-panic", 0, NULL, 16 },
	{ "mem-min", 1, NULL, 17 },
	{ "mem-max", 1, NULL, 18 },
	{ "reuseinitrd", 0, NULL, 19 },
	{ "kexec-file-syscall", 0, NULL, 20 },
	{ "kexec-syscall", 0, NULL, 21 },
	{ "kexec-syscall-auto", 0, NULL, 22 },
	{ "debug", 0, NULL, 23 },
	{ "status", 0, NULL, 24 },
	{ "print-ckr-size", 0, NULL, 25 },
	{ "hotplug", 0, NULL, 26 },
	{ "no-cma", 0, NULL, 27 },
	{ "force-dtb", 0, NULL, 28 },
	{ "reset-vga", 0, NULL, 29 },
	{ "serial", 1, NULL, 30 },
	{ "serial-baud", 1, NULL, 31 },
	{ "console-vga", 0, NULL, 32 },
	{ "console-serial", 0, NULL, 33 },
	{ "elf32-core-headers", 0, NULL, 34 },
	{ "elf64-core-headers", 0, NULL, 35 },
	{ "pass-memmap-cmdline", 0, NULL, 36 },
	{ "noefi", 0, NULL, 37 },
	{ "reuse-video-type", 0, NULL, 38 },
	{ "command-line", 1, NULL, 39 },
	{ "append", 1, NULL, 39 },
	{ "reuse-cmdline", 0, NULL, 40 },
	{ "initrd", 1, NULL, 41 },
	{ "ramdisk", 1, NULL, 41 },
	{ "args-elf", 0, NULL, 42 },
	{ "args-linux", 0, NULL, 43 },
	{ "args-none", 0, NULL, 44 },
	{ "module", 1, NULL, 45 },
	{ "real-mode", 0, NULL, 46 },
	{ "entry-32bit", 0, NULL, 47 },
	{ "dtb", 1, NULL, 48 },
	{ NULL, 0, NULL, 0 },
};
static const char their_letters[] = "h?vdfixyluet:pscaS";

/* Our options as getopt_long() needs them; values are rows of option_table. */
static struct option ours[OPTIONS_MAX];

static int make_ours(void **state)
{
	(void)state;
	for (int i = 0; option_table[i].name; i++) {
		assert_in_range(i, 0, OPTIONS_MAX - 2);
		ours[i] = (struct option){ option_table[i].name,
					   option_table[i].has_value, NULL, 1 + i };
	}
	return 0;
}

static const struct option_row *find_row(const char *name)
{
	const struct option_row *row = option_table;

	while (row->name && strcmp(row->name, name))
		row++;
	assert_non_null(row->name);
	return row;
}

/* --v and --version are two rows with one setter. */
static bool same_row(int a, int b)
{
	const struct option_row *x = &option_table[a - 1], *y = &option_table[b - 1];

	return a == b || (x->set && x->set == y->set);
}

/* The value that getopt_long() returns for @word; its value, if any, is the next word. */
static int meaning(const char *word, const struct option *table)
{
	char text[64], *argv[] = { (char[]){ "kexec" }, text, (char[]){ "value" }, NULL };

	assert_true(strlen(word) < sizeof(text));
	strcpy(text, word);
	optind = 0;
	opterr = 0;
	return getopt_long(3, argv, "", table, NULL);
}

/* Does options_parse() know the letter, even if it then fails otherwise? */
static bool takes_letter(char letter)
{
	char line[] = { '-', letter, '\0' };
	struct error err = { "" };
	struct options o;

	return !parse(line, " ", &o, &err) || !strstr(err.text, "no such option");
}

/* Abbreviated options of kexec-tools keep their meaning. */
static void test_abbreviations(void **state)
{
	size_t tried = 0;

	(void)state;
	for (const struct option *t = theirs; t->name; t++) {
		char word[64] = "--";
		int whole;

		strcpy(word + 2, t->name);
		whole = meaning(word, ours);
		assert_int_not_equal(whole, '?');
		assert_string_equal(ours[whole - 1].name, t->name);
		for (size_t n = strlen(t->name); n > 0; n--) {
			word[2 + n] = '\0';
			if (meaning(word, theirs) != t->val)
				break;
			assert_true(same_row(meaning(word, ours), whole));
			tried++;
		}
	}
	assert_in_range(tried, 250, 1000);
	for (const char *l = their_letters; *l; l++)
		assert_true(strchr("?:", *l) || takes_letter(*l));
	assert_false(takes_letter('Q'));
}

/* Each of their options is accepted, or refused with the reason. */
static void test_their_options(void **state)
{
	size_t refused = 0, refusals = 0;

	(void)state;
	for (const struct option *t = theirs; t->name; t++) {
		struct options o;
		struct error err = { "" };
		char line[128];
		int ret;

		snprintf(line, sizeof(line), "-p k --%s%s", t->name,
			 t->val == 15	? " bzImage"
			 : t->val == 30 ? " ttyS1"
			 : t->val == 31 ? " 9600"
			 : t->has_arg	? " 0"
			 : t->val == 9	? " --force"
					: "");
		ret = parse(line, " ", &o, &err);
		refused += ret != 0;
		if (ret && (ret != -ENOTSUP || strncmp(err.text, "--", 2) ||
			    strncmp(err.text + 2, t->name, strlen(t->name))))
			fail_msg("%s: %s", line, err.text);
	}
	for (const struct option_row *row = option_table; row->name; row++)
		refusals += row->refusal != NULL;
	assert_int_equal(refused, refusals);
	assert_int_equal(refused, 10);
	assert_null(find_row("load")->refusal);
}

/* The image builder kiwi and the tests of LTP look for an option in it before use. */
static void test_help_names_them(void **state)
{
	char *text = NULL;
	size_t size, named = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	options_print_help(f);
	fclose(f);
	for (const struct option *t = theirs; t->name; t++) {
		char word[64];
		const struct option_row *row = find_row(t->name);
		bool always_so = !row->set && !row->refusal;
		bool here;

		snprintf(word, sizeof(word), "--%s", t->name);
		here = strstr(text, word) != NULL;
		if (!always_so && here != !row->refusal)
			fail_msg("%s is %s", word, here ? "named" : "missing");
		named += here;
	}
	assert_in_range(named, 30, 40);
	free(text);
}

/* Summarises @o in words. */
static void describe(const struct options *o, char *to, size_t size)
{
	static const char *const methods[] = { "auto", "load", "file" };

	snprintf(to, size, "%s%s%s%s%s %s", o->unload ? "unload " : "",
		 o->load ? "load " : "", o->exec ? "exec " : "",
		 o->shutdown ? "shutdown " : "",
		 o->request.target == KEXEC_TARGET_CRASH ? "crash" : "normal",
		 methods[o->request.method]);
	if (o->request.kernel)
		snprintf(to + strlen(to), size - strlen(to), " %s (%s) %s",
			 o->request.kernel, o->request.cmdline ? o->request.cmdline : "-",
			 o->request.initrd ? o->request.initrd : "-");
}

/* Command lines of other programs, separated by '|', and their meaning. */
static void test_callers(void **state)
{
	static const char *const calls[][2] = {
		/* systemctl kexec, systemd-shutdown */
		{ "--load|k|--append|root=x ro quiet|--initrd|i",
		  "load normal auto k (root=x ro quiet) i" },
		{ "--load|k|--append|", "load normal auto k () -" },
		{ "-e", "exec normal auto" },
		/* kdump-config */
		{ "-p|--command-line=root=x \"a b\" nr_cpus=1|--initrd=i|k",
		  "load crash auto k (root=x \"a b\" nr_cpus=1) i" },
		{ "-p|-s|--args-linux|--command-line=a|--initrd=i|k",
		  "load crash file k (a) i" },
		{ "-p|-u", "unload crash auto" },
		{ "-s|-p|-u", "unload crash file" },
		/* kdumpctl, dracut's early kdump */
		{ "-s|-d|-p|--command-line=a b|--initrd=i|k",
		  "load crash file k (a b) i" },
		{ "-la|k|--initrd=i|--command-line=a", "load normal auto k (a) i" },
		{ "-a|-d|--hotplug|-p|--command-line=a|--initrd=i|k",
		  "load crash auto k (a) i" },
		{ "--elf64-core-headers|-p|--command-line=a|--initrd=i|k",
		  "load crash auto k (a) i" },
		/* init scripts and people */
		{ "-l|k|--initrd=i|--append=a b", "load normal auto k (a b) i" },
		{ "-l|-t|bzImage|k|--ramdisk|i|--reuse-cmdline",
		  "load normal auto k (-) i" },
		{ "-l|--initrd=i|--|k", "load normal auto k (-) i" },
		{ "-l|k||--append=a|", "load normal auto k (a) -" },
		{ "|--load|k|--initrd|i|--command-line|a", "load normal auto k (a) i" },
		{ "k|--command-line=a", "load shutdown normal auto k (a) -" },
		{ "-f|k|--append=a", "load exec normal auto k (a) -" },
		{ "-u", "unload normal auto" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		struct options o;
		struct error err;
		char means[128];

		assert_int_equal(parse(calls[i][0], "|", &o, &err), 0);
		describe(&o, means, sizeof(means));
		assert_string_equal(means, calls[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_abbreviations),
		cmocka_unit_test(test_their_options),
		cmocka_unit_test(test_help_names_them),
		cmocka_unit_test(test_callers),
	};

	return cmocka_run_group_tests(tests, make_ours, NULL);
}
