/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refresh.h - a fresh seed for the loaded crash kernel.
 */
#ifndef KS_REFRESH_H
#define KS_REFRESH_H

#include "error.h"

#include <stdbool.h>

enum refresh_way {
	REFRESH_NONE,	 /* nothing was done */
	REFRESH_DYNAMIC, /* the dynamic block alone: constant time */
	REFRESH_FULL,	 /* everything, from the files */
};

static inline const char *refresh_way_name(enum refresh_way way)
{
	static const char *const names[] = { "none", "dynamic", "full" };

	return names[way];
}

/* Why nothing was tried. */
enum refresh_verdict {
	REFRESH_TRIED,		/* it was */
	REFRESH_NOTHING_LOADED, /* no crash kernel is */
	REFRESH_FOREIGN,	/* one is, but not by us: no recipe, or another image */
	REFRESH_SEED_OFF,	/* ours, without a seed on purpose */
};

struct refresh_request {
	const char *dir;      /* of the recipe; NULL: RECIPE_DIR */
	const char *source;   /* a word for what it is for: "manual", "kmsg" ... */
	bool full;	      /* load everything again */
	bool restore;	      /* also what an earlier refresh has lost */
	unsigned int seconds; /* how long to wait for another one that is at work */
	/* Called as soon as the seed is fresh; NULL: nobody waits. What is left is to count. */
	void (*fresh)(void *context, enum refresh_way way);
	void *context;
};

struct refresh_result {
	enum refresh_way way;
	enum refresh_verdict verdict;
	bool lost;	/* one was loaded before, or was to be restored, and is not now */
	bool loaded;	/* a crash kernel is loaded now */
	double seconds; /* the whole of it */
	double window;	/* of the system call, in which there may be none loaded */
	unsigned long count; /* refreshes of this image so far */
};

/*
 * Gives the loaded crash kernel a new seed. 0 or a negative errno with the line. *@out is
 * filled in on failure too: whether it was tried at all, and what is loaded now.
 */
int refresh_run(const struct refresh_request *req, struct refresh_result *out,
		struct error *err);

#endif
