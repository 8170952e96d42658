/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - what kexec(8) does, in its order: load, then leave the running kernel.
 */
#ifndef KS_RUN_H
#define KS_RUN_H

#include "error.h"
#include "options.h"

/*
 * Options -> image, facts -> plan -> seed -> load. With --dry-run the plan is printed to
 * standard output instead. Notes for the user go to standard error. 0 or a negative
 * errno.
 */
int run_load(const struct options *o, struct error *err);

/* Goes into the loaded kernel as the options say: shutdown, or sync, interfaces, jump. */
int run_leave(const struct options *o, struct error *err);

#endif
