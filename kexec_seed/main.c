// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "base/file.h"
#include "base/library.h"
#include "kexec_seed/subcommand.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv, struct error *err);
	const char *help;
};

static const struct command commands[] = {
	{ "daemon", command_daemon,
	  "refresh the seed after each VM fork; see daemon --help" },
	{ "refresh", command_refresh,
	  "reseed the loaded crash kernel\n"
	  "             --full         reload all of it from the same files\n"
	  "             --source=WORD  reason, shown by status [manual]" },
	{ "verify", command_verify, "read the loaded crash kernel back and check it" },
	{ "status", command_status,
	  "whether the loaded crash kernel is protected, and what it is\n"
	  "             --check        one line; exit status 0 protected, 1 not, 3 unknown" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

int subcommand_option(int argc, char **argv, const struct option *options,
		      struct error *err)
{
	int option = option_next(argc, argv, ":", options, err);

	if (!option && optind < argc)
		return error_set(err, EINVAL, "unexpected argument '%s'", argv[optind]);
	return option;
}

int subcommand_json(int argc, char **argv, bool *json, struct error *err)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPTION_FIRST },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = subcommand_option(argc, argv, options, err)) > 0)
		*json = true;
	return option;
}

static void print_note(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "kexec-seed: %s\n", line);
}

void subcommand_print_notes(struct notes *notes)
{
	notes_each(notes, print_note, NULL);
	notes_free(notes);
}

/* `kexec-seed --json COMMAND` is `kexec-seed COMMAND --json`. */
static void move_json(int argc, char **argv)
{
	char *first = argv[1];

	if (argc < 3 || strcmp(first, "--json") != 0)
		return;
	argv[1] = argv[2];
	argv[2] = first;
}

static void print_help(FILE *to)
{
	fputs("Usage: kexec-seed COMMAND [OPTION]...\n"
	      "Keep the random seed of the loaded crash kernel fresh.\n\n",
	      to);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n  --json         results for programs\n"
	      "  --help, --version                            see kexec-seed(8)\n",
	      to);
}

static int print_version(struct error *err)
{
	char packages[LIBRARY_LIST_SIZE];
	int ret = library_list_missing(packages, sizeof(packages), err);

	if (ret)
		return ret;
	printf("%s\n", PACKAGE_STRING);
	if (*packages)
		printf("not installed: %s\n", packages);
	return 0;
}

static int fail(const struct error *err, int status)
{
	if (err->text[0])
		fprintf(stderr, "kexec-seed: %s\n", err->text);
	if (status == EXIT_USAGE)
		fprintf(stderr, "Try 'kexec-seed --help'.\n");
	return status;
}

/* Results that could not be printed were not delivered: report that as a failure. */
static int done(void)
{
	struct error err;

	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_DONE;
	error_set(&err, errno, "cannot write: %s", errno_text(errno));
	return fail(&err, EXIT_FAILED);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct error err = { "" };
	const char *name;
	int ret;

	file_keep_standard();
	move_json(argc, argv);
	name = argc > 1 ? argv[1] : "";
	command = find(name);
	/* over ulimit -f, write(2) must fail so that the error is reported */
	signal(SIGXFSZ, SIG_IGN);
	if (is_help(name) || (command && command->run != command_daemon && argc == 3 &&
			      is_help(argv[2]))) {
		print_help(stdout);
		return done();
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-v")) {
		return print_version(&err) ? fail(&err, EXIT_FAILED) : done();
	}
	if (argc < 2 || !strcmp(name, "--json"))
		error_set(&err, 0, "no command given");
	else if (!command)
		error_set(&err, 0, "%s: no such command", name);
	if (!command)
		return fail(&err, EXIT_USAGE);
	ret = command->run(argc - 1, argv + 1, &err);
	return ret ? fail(&err, ret) : done();
}
