/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe_fields.h - codec of a recipe's fields, one function each: the table is in
 * recipe.c, the layout in kexec-seed-recipe(5).
 *
 * Encoding takes a recipe that recipe_check() has accepted, does not change it and returns
 * 0. Decoding returns 0, -EBADMSG with the reason, or -ENOMEM. It need not detect missing
 * or extra bytes, nor repeat the tests of recipe_check(). Memory that it allocates belongs
 * to the recipe.
 */
#ifndef KS_RECIPE_FIELDS_H
#define KS_RECIPE_FIELDS_H

#include "load/le_codec.h"
#include "load/recipe.h"

typedef int recipe_field(struct le_codec *c, struct recipe *r, struct error *err);

recipe_field recipe_image, recipe_request, recipe_kernel, recipe_initrd, recipe_cmdline,
	recipe_plan, recipe_boot_data, recipe_purgatory, recipe_elfcorehdr, recipe_guard,
	recipe_file_load, recipe_generation;

#endif
