/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refresh.h - reseeds the loaded crash kernel.
 */
#ifndef KS_REFRESH_H
#define KS_REFRESH_H

#include "base/notes.h"
#include "error.h"

#include <stdbool.h>

enum refresh_mode {
	REFRESH_NONE,	 /* nothing was done */
	REFRESH_DYNAMIC, /* refreshed segments only: constant time */
	REFRESH_FULL,	 /* full reload from the files */
};

/* Also the value of the JSON key "refresh". */
static inline const char *refresh_mode_name(enum refresh_mode mode)
{
	static const char *const names[] = { "none", "dynamic", "full" };

	return names[mode];
}

enum refresh_skip_reason {
	REFRESH_NOT_SKIPPED,
	REFRESH_NOTHING_LOADED,
	REFRESH_FOREIGN,    /* loaded by another tool: no recipe, or a different image */
	REFRESH_SEED_OFF,   /* ours, loaded without a seed on purpose */
	REFRESH_NOT_FORKED, /* nothing has changed since the seed was drawn; no error */
};

struct refresh_request {
	const char *dir;    /* directory of the recipe; NULL: RUN_DIR */
	const char *source; /* reason stored in the recipe: "manual", "kmsg" ... */
	bool full;	    /* force a full reload */
	bool if_forked;	    /* only if the machine may have been forked since */
	bool if_lacking;    /* just loaded by us: only if it has no seed, or is damaged */
	bool restore;	    /* also reload an image that an earlier refresh unloaded */
	unsigned int seconds; /* timeout for another load or refresh to end */
	/*
	 * Called once the new seed is loaded, before the recipe counts it; may be NULL.
	 */
	void (*fresh)(void *context, enum refresh_mode mode);
	void *context;
};

struct refresh_result {
	enum refresh_mode mode;
	enum refresh_skip_reason skipped;
	bool blind;	/* if_forked, but no generation can be read */
	bool unloaded;	/* one was loaded, or to be restored, and none is now */
	bool loaded;	/* a crash kernel is loaded now */
	double seconds; /* duration of the whole refresh */
	double window;	/* duration of the system call, in which no image may be loaded */
	unsigned long count; /* refreshes of this image so far */
	struct notes notes;  /* owned by the caller */
};

/*
 * Reseeds the loaded crash kernel. 0 or a negative errno with the line in @err. *@out is
 * filled in on failure too; its notes are the caller's to free.
 */
int refresh_run(const struct refresh_request *req, struct refresh_result *out,
		struct error *err);

#endif
