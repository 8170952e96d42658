// SPDX-License-Identifier: GPL-2.0-only
#include "plan/cmdline.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Returns the end of the word that starts at @p. */
static const char *word_end(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || !isspace((unsigned char)*p)); p++)
		if (*p == '"')
			quoted = !quoted;
	return p;
}

static const char *next_word(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static bool word_is(const char *word, const char *end, const char *name)
{
	size_t n = strlen(name);

	return (size_t)(end - word) > n && !strncmp(word, name, n) && word[n] == '=';
}

/* Appends to @to the words of @from that are kept; @to is large enough. */
static char *copy_words(char *to, const char *start, const char *from, bool crash)
{
	const char *end;

	for (from = next_word(from); *from; from = next_word(end)) {
		end = word_end(from);
		if (word_is(from, end, "BOOT_IMAGE") ||
		    (crash && word_is(from, end, "crashkernel")))
			continue;
		if (to != start)
			*to++ = ' ';
		memcpy(to, from, (size_t)(end - from));
		to += end - from;
	}
	return to;
}

char *cmdline_join(const char *base, const char *append, bool crash)
{
	size_t base_len = base ? strlen(base) : 0;
	size_t append_len = append ? strlen(append) : 0;
	char *joined, *end;

	joined = calloc(1, base_len + append_len + 2);
	if (!joined)
		return NULL;
	end = base ? copy_words(joined, joined, base, crash) : joined;
	if (end != joined && append_len)
		*end++ = ' ';
	if (append_len) /* verbatim, with the user's quotes and spaces */
		memcpy(end, append, append_len);
	end[append_len] = '\0';
	return joined;
}

bool cmdline_next_console(const char **at, char name[CONSOLE_NAME_SIZE])
{
	const size_t skip = strlen("console=");
	const char *end;

	for (const char *p = next_word(*at); *p; p = next_word(end)) {
		size_t length;

		end = word_end(p);
		*at = end;
		if (!word_is(p, end, "console"))
			continue;
		length = strcspn(p + skip, ",");
		if (length > (size_t)(end - p) - skip)
			length = (size_t)(end - p) - skip;
		if (length >= CONSOLE_NAME_SIZE)
			continue;
		memcpy(name, p + skip, length);
		name[length] = '\0';
		return true;
	}
	return false;
}
