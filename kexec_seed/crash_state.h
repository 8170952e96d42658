/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_state.h - which crash image is loaded, and how that is known.
 */
#ifndef KS_STATE_H
#define KS_STATE_H

#include "error.h"
#include "load/recipe.h"
#include "machine/kcore.h"

enum crash_method {
	CRASH_NONE, /* nothing is loaded */
	CRASH_KEXEC_LOAD,
	CRASH_KEXEC_FILE_LOAD,
	CRASH_FOREIGN, /* loaded by another tool, or nothing shows that it is ours */
};

struct crash_state {
	bool loaded;
	enum crash_method method;
	/*
	 * Memory, read back through /proc/kcore, matches the recipe. If false for one of
	 * our methods, the image is ours, but damaged or hidden.
	 */
	bool verified;
	/* Not verified, because the kernel hides all of it: ours by its layout alone. */
	bool hidden;
	bool unproven; /* foreign: there is a recipe, but memory cannot be compared */
	/* A load or refresh was killed halfway: a pending recipe exists. */
	bool interrupted;
	bool has_recipe; /* valid recipe: of the loaded image, or of the last one */
	enum recipe_state state; /* which file it is from */
	struct recipe recipe;
	struct kcore kcore; /* open if possible */
	struct error why;   /* why not verified, or why foreign; "" if verified */
};

/*
 * Reads the state; changes nothing. @dir may be RECIPE_DIR_NONE. 0, or a negative errno
 * if the kernel does not even report whether an image is loaded. Call crash_state_free()
 * in either case.
 */
int crash_state_read(const struct recipe_dir *dir, struct crash_state *out,
		     struct error *err);

void crash_state_free(struct crash_state *s);

/* "kexec_load", "kexec_file_load", "foreign", "none". */
const char *crash_method_name(enum crash_method method);

#endif
