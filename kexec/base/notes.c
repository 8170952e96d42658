// SPDX-License-Identifier: GPL-2.0-only
#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void append(struct notes *notes, char *line)
{
	char **larger =
		line ? reallocarray(notes->lines, notes->count + 1, sizeof(*larger))
		     : NULL;

	if (!larger) {
		free(line);
		notes->incomplete = true;
		return;
	}
	notes->lines = larger;
	notes->lines[notes->count++] = line;
}

void notes_add(struct notes *notes, const char *fmt, ...)
{
	char *line;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&line, fmt, args) < 0)
		line = NULL;
	va_end(args);
	append(notes, line);
}

void notes_add_error(struct notes *notes, const char *what, const struct error *err)
{
	notes_add(notes, "%s: %s", what, err->text);
}

void notes_each(const struct notes *notes, void (*print)(void *context, const char *line),
		void *context)
{
	for (size_t i = 0; i < notes->count; i++)
		print(context, notes->lines[i]);
	if (notes->incomplete)
		print(context, "some notes are missing: out of memory");
}

void notes_move(struct notes *to, struct notes *from)
{
	for (size_t i = 0; i < from->count; i++)
		append(to, from->lines[i]);
	to->incomplete |= from->incomplete;
	free(from->lines);
	*from = (struct notes){ 0 };
}

void notes_free(struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->lines[i]);
	free(notes->lines);
	*notes = (struct notes){ 0 };
}
