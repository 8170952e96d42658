/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - configuration files: one "key = value" per line.
 *
 * Blanks around key and value are ignored, as are empty lines and lines that begin with
 * #. The caller interprets the keys.
 */
#ifndef KS_CONF_H
#define KS_CONF_H

#include "bytes.h"
#include "error.h"

#define CONF_SIZE_MAX  65536 /* bytes of one file */
#define CONF_FILES_MAX 256   /* drop-ins */

/* Applies one setting. 0 or a negative errno with the line. */
typedef int conf_set(void *context, const char *key, const char *value,
		     struct error *err);

/*
 * Parses @text and passes each setting to @set. Stops at the first error, whose message
 * begins with "@name:LINE: ". 0, -EINVAL, or the error of @set.
 */
int conf_parse(struct bytes text, const char *name, conf_set *set, void *context,
	       struct error *err);

/*
 * Reads the file @path, then the files of the directory @path.d whose names end in .conf,
 * in byte order of their names: the last setting of a key wins. Both may be missing. 0;
 * otherwise as conf_parse(), with -EINVAL also for a file that is too large or
 * permanently unreadable.
 */
int conf_read(const char *path, conf_set *set, void *context, struct error *err);

#endif
