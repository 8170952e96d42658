// SPDX-License-Identifier: GPL-2.0-only
#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs no memory. A line that does not fit is left out whole. */
static void keep(void *context, const char *line)
{
	struct notes *notes = context;
	size_t used = strlen(notes->spare), size = strlen(line);

	if (used + size + sizeof("\n") > NOTES_SPARE) {
		notes->incomplete = true;
		return;
	}
	memcpy(notes->spare + used, line, size);
	memcpy(notes->spare + used + size, "\n", sizeof("\n"));
}

/* Takes @line. */
static void append(struct notes *notes, char *line)
{
	char **larger = reallocarray(notes->lines, notes->count + 1, sizeof(*larger));

	if (!larger) {
		keep(notes, line);
		free(line);
		return;
	}
	notes->lines = larger;
	notes->lines[notes->count++] = line;
}

void notes_add(struct notes *notes, const char *fmt, ...)
{
	char text[NOTES_SPARE], *line;
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	if (vasprintf(&line, fmt, args) >= 0) {
		append(notes, line);
	} else {
		vsnprintf(text, sizeof(text), fmt, again);
		keep(notes, text);
	}
	va_end(again);
	va_end(args);
}

void notes_add_error(struct notes *notes, const char *what, const struct error *err)
{
	notes_add(notes, "%s: %s", what, err->text);
}

static void each_spare(const struct notes *notes,
		       void (*print)(void *context, const char *line), void *context)
{
	char text[NOTES_SPARE], *line, *end;

	memcpy(text, notes->spare, sizeof(text));
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		print(context, line);
	}
}

void notes_each(const struct notes *notes, void (*print)(void *context, const char *line),
		void *context)
{
	for (size_t i = 0; i < notes->count; i++)
		print(context, notes->lines[i]);
	each_spare(notes, print, context);
	if (notes->incomplete)
		print(context, "some notes are missing: out of memory");
}

void notes_move(struct notes *to, struct notes *from)
{
	for (size_t i = 0; i < from->count; i++)
		append(to, from->lines[i]);
	each_spare(from, keep, to);
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
