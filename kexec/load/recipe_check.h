/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe_check.h - checks a recipe for consistency.
 *
 * A recipe read from a file can say anything, and its content ends up in a crash kernel's
 * memory. So its parts must agree with each other.
 */
#ifndef KS_RECIPE_CHECK_H
#define KS_RECIPE_CHECK_H

#include "load/recipe.h"

/* Maximum size of a recipe file, in bytes. */
#define RECIPE_SIZE_MAX (4u << 20)

/*
 * 0, or -EBADMSG with the first inconsistency. Content is not examined, except the
 * purgatory's parameters, the structure of the boot data and the image ID. All blocks of
 * the plan must be present.
 */
int recipe_check(const struct recipe *r, struct error *err);

#endif
