/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe_check.h - can this recipe be true?
 *
 * A recipe that was just read may say anything, and what is done with it goes into the
 * memory of a crash kernel: so whatever two of its parts say must agree.
 */
#ifndef KS_RECIPE_CHECK_H
#define KS_RECIPE_CHECK_H

#include "load/recipe.h"

/* Of a whole recipe file, in bytes. */
#define RECIPE_SIZE_MAX (4u << 20)

/*
 * 0, or -EBADMSG with the first thing that is impossible. Does not look at content, except
 * at the parameters of the purgatory, the command line's end and the tag. All of a plan's
 * blocks must be there.
 */
int recipe_check(const struct recipe *r, struct error *err);

#endif
