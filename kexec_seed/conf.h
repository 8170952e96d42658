/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - configuration files: one "key = value" a line.
 *
 * Blanks around key and value do not count. A line that begins with # is a comment; so
 * is an empty line. What the keys mean is the caller's business.
 */
#ifndef KS_CONF_H
#define KS_CONF_H

#include "bytes.h"
#include "error.h"

#define CONF_SIZE_MAX  65536 /* bytes of one file */
#define CONF_FILES_MAX 256   /* drop-ins */

/* What is done with a setting. 0 or a negative errno with the line. */
typedef int conf_set(void *context, const char *key, const char *value,
		     struct error *err);

/*
 * Goes through @text and hands on each setting. The first thing that is wrong ends it,
 * and the message begins with "@name:LINE: ". -EINVAL, or what @set says.
 */
int conf_parse(struct bytes text, const char *name, conf_set *set, void *context,
	       struct error *err);

/*
 * The file @path and then those in the folder @path.d whose names end in .conf, in the
 * order of their names: the last word on a key counts. That there is neither is fine.
 * -EINVAL also for a file that is too large or cannot be read for a reason that lasts.
 */
int conf_read(const char *path, conf_set *set, void *context, struct error *err);

#endif
