/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * option_next.h - getopt_long(3) with its error as a line instead of on standard error.
 */
#ifndef KS_OPTION_NEXT_H
#define KS_OPTION_NEXT_H

#include "error.h"

#include <getopt.h>

#define OPTION_FIRST 256 /* long options have values from here on: no letters */

/*
 * Returns the value of the next option in @table, or its letter; 0 after the last one;
 * -EINVAL with the line for one that is unknown, ambiguous, or used wrongly. @letters
 * begins with ":" or "+:".
 */
int option_next(int argc, char **argv, const char *letters, const struct option *table,
		struct error *err);

#endif
