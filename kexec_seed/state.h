/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - which crash image is loaded, and how do we know?
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
	CRASH_FOREIGN, /* something is, but not by us */
};

struct crash_state {
	bool loaded;
	enum crash_method method;
	/*
	 * Memory, read back through /proc/kcore, is what the recipe says. When it is false
	 * for one of our methods, the method is what the recipe says, no more.
	 */
	bool proven;
	/*
	 * Somebody was killed between the first and the last step of a load or refresh; a
	 * next recipe is there.
	 */
	bool interrupted;
	bool has_recipe; /* and the recipe, of the loaded image or of the one that was */
	enum recipe_slot slot;
	struct recipe recipe;
	struct kcore kcore; /* open when it can be */
	struct error why;   /* why not proven, or foreign; "" when all is well */
};

/*
 * Finds out; changes nothing. @dir may be RECIPE_DIR_NONE. 0, or a negative errno when not
 * even the kernel tells whether something is loaded; crash_state_free() is needed either
 * way.
 */
int crash_state_read(const struct recipe_dir *dir, struct crash_state *out,
		     struct error *err);

void crash_state_free(struct crash_state *s);

/* "kexec_load", "kexec_file_load", "foreign", "none". */
const char *crash_method_name(enum crash_method method);

#endif
