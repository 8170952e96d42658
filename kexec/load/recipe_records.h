/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe_records.h - the records of a recipe, one pair of functions for each: the table is
 * in recipe.c, their layout in kexec-seed-recipe(5).
 *
 * put writes the payload of a recipe that recipe_check() has approved. get reads it: 0,
 * -EBADMSG with what is wrong, or -ENOMEM. It need not look whether there was too little or
 * too much to read, nor at what recipe_check() looks at. What it allocates is the recipe's.
 */
#ifndef KS_RECIPE_RECORDS_H
#define KS_RECIPE_RECORDS_H

#include "load/recipe.h"
#include "load/wire.h"

void recipe_put_image(struct wire_writer *w, const struct recipe *r);
int recipe_get_image(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_options(struct wire_writer *w, const struct recipe *r);
int recipe_get_options(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_kernel(struct wire_writer *w, const struct recipe *r);
int recipe_get_kernel(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_initrd(struct wire_writer *w, const struct recipe *r);
int recipe_get_initrd(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_append(struct wire_writer *w, const struct recipe *r);
int recipe_get_append(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_plan(struct wire_writer *w, const struct recipe *r);
int recipe_get_plan(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_params(struct wire_writer *w, const struct recipe *r);
int recipe_get_params(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_purgatory(struct wire_writer *w, const struct recipe *r);
int recipe_get_purgatory(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_elfcorehdr(struct wire_writer *w, const struct recipe *r);
int recipe_get_elfcorehdr(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_neighbour(struct wire_writer *w, const struct recipe *r);
int recipe_get_neighbour(struct wire_reader *in, struct recipe *r, struct error *err);

void recipe_put_file_load(struct wire_writer *w, const struct recipe *r);
int recipe_get_file_load(struct wire_reader *in, struct recipe *r, struct error *err);

#endif
