/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * subcommand.h - the subcommands of kexec-seed(8).
 *
 * argv[0] is "kexec-seed NAME"; results go to standard output. They return 0; 1 for
 * failure, with the line in @err (empty: nothing to add); 2 for wrong usage, with the
 * line; 3 if status --check cannot tell.
 */
#ifndef KS_SUBCOMMAND_H
#define KS_SUBCOMMAND_H

#include "base/notes.h"
#include "base/option_next.h"
#include "error.h"

#include <stdbool.h>

#define EXIT_DONE    0
#define EXIT_FAILED  1
#define EXIT_USAGE   2
#define EXIT_UNKNOWN 3 /* what was asked cannot be told */

/*
 * Returns the next option as option_next() does; an argument after the last one is an
 * error too.
 */
int subcommand_option(int argc, char **argv, const struct option *options,
		      struct error *err);

/*
 * Parses the arguments of a subcommand that accepts --json only. 0 or -EINVAL with the
 * line.
 */
int subcommand_json(int argc, char **argv, bool *json, struct error *err);

/* Prints the notes on standard error and frees them. */
void subcommand_print_notes(struct notes *notes);

int command_daemon(int argc, char **argv, struct error *err);
int command_refresh(int argc, char **argv, struct error *err);
int command_verify(int argc, char **argv, struct error *err);
int command_status(int argc, char **argv, struct error *err);

#endif
