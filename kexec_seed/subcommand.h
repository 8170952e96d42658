/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * subcommand.h - the subcommands of kexec-seed(8). Each gets its own words: argv[0] is its
 * name. What they print for people or programs goes to standard output.
 *
 * 0; 1 with the line in @err (which may be empty when all is said); 2 for wrong usage.
 */
#ifndef KS_SUBCOMMAND_H
#define KS_SUBCOMMAND_H

#include "error.h"

#include <stdbool.h>

#define EXIT_DONE   0
#define EXIT_FAILED 1
#define EXIT_USAGE  2

/*
 * Reads the words of a subcommand that knows --json only. 0; -EINVAL with the line, or
 * after getopt has printed one.
 */
int subcommand_json(int argc, char **argv, bool *json, struct error *err);

int command_daemon(int argc, char **argv, struct error *err);
int command_refresh(int argc, char **argv, struct error *err);
int command_verify(int argc, char **argv, struct error *err);
int command_status(int argc, char **argv, struct error *err);

#endif
