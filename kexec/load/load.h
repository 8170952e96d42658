/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load.h - runs a load: load request -> files, machine -> plan -> seed -> system call.
 */
#ifndef KS_LOAD_H
#define KS_LOAD_H

#include "error.h"
#include "load/kexec_load.h"
#include "load/recipe.h"
#include "load/request.h"

/*
 * Loads an image and, for a crash image, stores a recipe. 0 or a negative errno with the
 * line. @io is filled in either way and is the caller's to free.
 */
int load_run(const struct load_request *request, struct load_io *io, struct error *err);

/*
 * Prints on standard output what load_run() would do, as text or JSON, and loads nothing.
 * @boot_data: also prints the boot data, field by field. Fails where load_run() would, but
 * for a lack of privileges. 0 or a negative errno with the line; @io as above.
 */
int load_dry_run(const struct load_request *request, bool json, bool boot_data,
		 struct load_io *io, struct error *err);

/*
 * Reloads a crash image with a new seed from the files of its recipe, which must be
 * unchanged (-ESTALE), provided that @guard (NULL: none) still holds once all is read.
 * @source is stored as the reason. The caller holds the lock on @dir. 0 or a negative
 * errno with the line.
 */
int load_again(const struct recipe_dir *dir, const struct recipe *again,
	       const char *source, const struct load_guard *guard, struct load_io *io,
	       struct error *err);

/*
 * Unloads the image, and removes the recipes of a crash image. 0 or a negative errno with
 * the line.
 */
int load_unload(enum kexec_target target, struct error *err);

#endif
