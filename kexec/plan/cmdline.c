// SPDX-License-Identifier: GPL-2.0-only
#include "plan/cmdline.h"

#include <ctype.h>
#include <stdio.h>
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

/*
 * Words that point into memory or files of the kernel that was left, and words that ask
 * for something once. User space reads init's words too, so position does not matter.
 */
const struct cmdline_dropped cmdline_dropped[] = {
	{ "BOOT_IMAGE", DROP_ALWAYS, "file of the running kernel" },
	{ "initrd", DROP_ALWAYS, "initrd of the running kernel" },
	{ "elfcorehdr", DROP_ALWAYS, "address of an earlier crash's ELF headers" },
	{ "dmcryptkeys", DROP_ALWAYS, "address of an earlier crash's disk keys" },
	{ "kexec_jump_back_entry", DROP_ALWAYS, "address in a kernel that is gone" },
	{ "ignition.firstboot", DROP_ALWAYS, "would provision the machine again" },
	{ "flatcar.first_boot", DROP_ALWAYS, "would provision the machine again" },
	{ "crashkernel", DROP_FOR_CRASH, "memory is reserved for one crash kernel" },
	{ "hugepages", DROP_FOR_CRASH, "would use up the crash kernel's memory" },
	{ "hugetlb_cma", DROP_FOR_CRASH, "would use up the crash kernel's memory" },
	{ "cma", DROP_FOR_CRASH, "would use up the crash kernel's memory" },
	{ "memmap", DROP_FROM_CAPTURE, "memory map of the capture kernel" },
	{ "disable_cpu_apicid", DROP_FROM_CAPTURE, "a processor of the crashed kernel" },
	{ NULL, DROP_ALWAYS, NULL },
};

/*
 * Compares like the kernel: a dash equals an underscore, and a quote may precede the
 * name. @value: the word must have one.
 */
static bool word_is(const char *word, const char *end, const char *name, bool value)
{
	if (word < end && *word == '"')
		word++;
	for (; *name; name++, word++)
		if (word == end || (*word == '-' ? '_' : *word) != *name)
			return false;
	return word < end && *word == '=' ? true : !value && word == end;
}

/* For whom a command line is filtered. */
struct filter {
	const struct cmdline_dropped *table;
	bool crash, capture;
};

static bool is_dropped(const char *word, const char *end, const struct filter *f)
{
	for (const struct cmdline_dropped *d = f->table; d->name; d++)
		if (word_is(word, end, d->name, false))
			return d->when == DROP_ALWAYS ||
			       (d->when == DROP_FOR_CRASH ? f->crash : f->capture);
	return false;
}

static char *copy_kept(const char *text, const struct filter *f)
{
	char *kept = calloc(1, strlen(text) + 1), *to = kept;
	const char *end;

	for (const char *p = next_word(text); kept && *p; p = next_word(end)) {
		end = word_end(p);
		if (is_dropped(p, end, f))
			continue;
		if (to != kept)
			*to++ = ' ';
		memcpy(to, p, (size_t)(end - p));
		to += end - p;
	}
	return kept;
}

char *cmdline_inherit(const char *running, bool crash)
{
	const bool capture = cmdline_has(running, "elfcorehdr");

	return copy_kept(running, &(struct filter){ cmdline_dropped, crash, capture });
}

char *cmdline_without(const char *text, const char *name)
{
	const struct cmdline_dropped table[] = { { name, DROP_ALWAYS, NULL },
						 { NULL, DROP_ALWAYS, NULL } };

	return copy_kept(text, &(struct filter){ .table = table });
}

bool cmdline_has(const char *text, const char *name)
{
	const char *end;

	for (const char *p = next_word(text); *p; p = next_word(end)) {
		end = word_end(p);
		if (word_is(p, end, name, true))
			return true;
	}
	return false;
}

static bool is_separator(const char *word, const char *end)
{
	return end - word == 2 && !memcmp(word, "--", 2);
}

/* Returns the "--" of @text, or its end. */
static const char *find_separator(const char *text)
{
	const char *p = next_word(text);

	while (*p && !is_separator(p, word_end(p)))
		p = next_word(word_end(p));
	return p;
}

bool cmdline_sets(const char *text, const char *name)
{
	const char *end;

	for (const char *p = next_word(text); *p; p = next_word(end)) {
		end = word_end(p);
		if (is_separator(p, end))
			break;
		if (word_is(p, end, name, false))
			return true;
	}
	return false;
}

/* A blank between two parts that are not empty. */
static const char *blank(size_t first, const char *second)
{
	return first && *second ? " " : "";
}

/* Length of the first @length bytes of @text without white space at their end. */
static size_t trim(const char *text, size_t length)
{
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	return length;
}

char *cmdline_append(const char *base, const char *more)
{
	const char *init, *add;
	size_t kernel, length;
	char *joined;

	base = base ? base : "";
	more = more ? more : "";
	init = find_separator(base);
	if (!*init) { /* verbatim, with the user's quotes and spaces */
		kernel = strlen(base);
		return asprintf(&joined, "%s%s%s", base, blank(kernel, more), more) < 0
			       ? NULL
			       : joined;
	}
	add = find_separator(more);
	kernel = trim(base, (size_t)(init - base));
	length = *add ? trim(more, (size_t)(add - more)) : strlen(more);
	if (*add)
		add = next_word(add + 2);
	if (asprintf(&joined, "%.*s%s%.*s%s%s%s%s", (int)kernel, base,
		     length ? blank(kernel, more) : "", (int)length, more,
		     kernel || length ? " " : "", init, blank(1, add), add) < 0)
		return NULL;
	return joined;
}

bool cmdline_next_console(const char **at, char name[CONSOLE_NAME_SIZE])
{
	const size_t skip = strlen("console=");
	const char *end;

	for (const char *p = next_word(*at); *p; p = next_word(end)) {
		size_t length;

		end = word_end(p);
		if (is_separator(p, end)) /* init's words follow */
			break;
		*at = end;
		if (*p == '"' || !word_is(p, end, "console", true))
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
