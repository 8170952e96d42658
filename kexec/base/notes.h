/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notes.h - notes to the user about things that are no failure.
 *
 * Notes travel to the command as a list; only main() and the daemon's log print them.
 */
#ifndef KS_NOTES_H
#define KS_NOTES_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes for lines that find no memory. */
#define NOTES_SPARE 1024

struct notes {
	char **lines; /* owned; each without a newline */
	size_t count;
	char spare[NOTES_SPARE]; /* lines that found no memory, each with a newline */
	bool incomplete;	 /* some did not fit there either */
};

/* Appends a line; when out of memory, to the spare ones, which come last. */
void notes_add(struct notes *notes, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends "@what: " and the line of @err. */
void notes_add_error(struct notes *notes, const char *what, const struct error *err);

/* Calls @print for each line in order, and once more if some are missing. */
void notes_each(const struct notes *notes, void (*print)(void *context, const char *line),
		void *context);

/* Appends the lines of @from, which is then empty. */
void notes_move(struct notes *to, struct notes *from);

/* Frees the lines; the list is then empty and usable. */
void notes_free(struct notes *notes);

#endif
