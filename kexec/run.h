/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - what kexec(8) does, in its order: load, then leave the running kernel.
 */
#ifndef KS_RUN_H
#define KS_RUN_H

#include "error.h"
#include "load/recipe.h"
#include "load/kexec_load.h"
#include "options.h"

/*
 * Options -> image, facts -> plan -> seed -> load. With --dry-run the plan is printed to
 * standard output instead. Notes for the user go to standard error. 0 or a negative
 * errno.
 */
int run_load(const struct options *o, struct error *err);

/*
 * Loads a crash image again from the files of its recipe, which must not have changed
 * (-ESTALE), with a new seed, if @guard (NULL: none) still agrees when all is read.
 * @source is the word for what it is for. The caller has the folder locked. 0 or a negative
 * errno.
 */
int run_reload(const struct recipe_dir *dir, const struct recipe *again,
	       const char *source, const struct load_guard *guard, struct error *err);

/* Unloads, and forgets the recipe of a crash image. 0 or a negative errno. */
int run_unload(const struct options *o, struct error *err);

/* Prints how many bytes are reserved for a crash kernel. 0 or a negative errno. */
int run_print_crash_size(struct error *err);

/* Goes into the loaded kernel as the options say: shutdown, or sync, interfaces, jump. */
int run_leave(const struct options *o, struct error *err);

#endif
