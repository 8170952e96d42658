// SPDX-License-Identifier: GPL-2.0-only
#include "plan/cmdline.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The end of the word that starts at @p. */
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

/* Appends the words of @from that shall stay to @to, which has room for them. */
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
	if (append_len) /* as it was given: the user's quotes and spaces */
		memcpy(end, append, append_len);
	end[append_len] = '\0';
	return joined;
}

unsigned int serial_port_of(const char *name)
{
	static const unsigned int ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };

	if (strncmp(name, "ttyS", 4) || name[4] < '0' || name[4] > '3' || name[5])
		return 0;
	return ports[name[4] - '0'];
}

/* "ttyS0,115200n8" */
static struct cmdline_console parse_console(const char *value, size_t size)
{
	struct cmdline_console c = { 0 };
	char name[6] = "";

	if (size < 5 || (size > 5 && value[5] != ','))
		return c;
	memcpy(name, value, 5);
	c.port = serial_port_of(name);
	if (c.port && size > 6)
		c.baud = (unsigned int)strtoul(value + 6, NULL, 10);
	return c;
}

struct cmdline_console cmdline_serial(const char *cmdline)
{
	struct cmdline_console found = { 0 };
	const char *end;

	for (const char *p = next_word(cmdline); *p; p = next_word(end)) {
		struct cmdline_console c;
		size_t skip = strlen("console=");

		end = word_end(p);
		if (!word_is(p, end, "console"))
			continue;
		c = parse_console(p + skip, (size_t)(end - p) - skip);
		if (c.port)
			found = c;
	}
	return found;
}
