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

struct refresh_request {
	const char *dir;      /* of the recipe; NULL: RECIPE_DIR */
	const char *source;   /* a word for what it is for: "manual", "kmsg" ... */
	bool full;	      /* load everything again */
	unsigned int seconds; /* how long to wait for another one that is at work */
};

struct refresh_result {
	enum refresh_way way;
	bool loaded;	     /* a crash kernel is loaded now */
	double seconds;	     /* the whole of it */
	double window;	     /* of the system call, in which there may be none loaded */
	unsigned long count; /* refreshes of this image so far */
};

/*
 * Gives the loaded crash kernel a new seed. 0; -ENOENT: none is loaded and none was;
 * -ENODATA: one is, but not by us (no recipe, or another image); -EOPNOTSUPP: it was loaded
 * without a seed on purpose; any other negative errno.
 * *@out is filled in on failure too; @err then says what is loaded now.
 */
int refresh_run(const struct refresh_request *req, struct refresh_result *out,
		struct error *err);

#endif
