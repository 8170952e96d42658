// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as the running kernel's command line (the first line) and as the text that the
 * user appends (the rest).
 */
#include "arch/arch.h"
#include "base/text.h"
#include "plan/cmdline.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Has @text the word @name=... outside of quotes? */
static bool has_word(const char *text, const char *name)
{
	bool quoted = false, begins = true;

	for (const char *p = text; *p; p++) {
		if (begins && !isspace((unsigned char)*p) &&
		    !strncmp(p, name, strlen(name)))
			return true;
		if (*p == '"')
			quoted = !quoted;
		begins = !quoted && isspace((unsigned char)*p);
	}
	return false;
}

static void check_inherit(const char *running, bool crash)
{
	char *kept = cmdline_inherit(running, crash), *again;

	require(kept && strlen(kept) <= strlen(running));
	again = cmdline_inherit(kept, crash);
	require(again && !strcmp(again, kept)); /* nothing was left to drop */
	require(!has_word(kept, "BOOT_IMAGE=") && !has_word(kept, "elfcorehdr="));
	require(!crash || !has_word(kept, "crashkernel="));
	free(kept);
	free(again);
}

/* Without "--" both texts stay whole; with it no more than blanks come or go. */
static void check_append(const char *base, const char *more)
{
	char *joined = cmdline_append(base, more);
	size_t length = joined ? strlen(joined) : 0, tail = strlen(more);

	require(joined && length <= strlen(base) + tail + 2);
	if (!strstr(base, "--")) {
		require(!strncmp(joined, base, strlen(base)));
		require(!strcmp(joined + length - tail, more));
	}
	free(joined);
}

/* --serial= takes an I/O port or one of the four names of the PC. */
static void check_serial(const char *text)
{
	uint32_t port = 0;

	if (!arch_parse_serial(text, &port))
		return;
	require(port && port <= 0xffff);
	require(!strncmp(text, "0x", 2) ||
		(strlen(text) == 5 && !strncmp(text, "ttyS", 4) &&
		 (port == 0x3f8 || port == 0x2f8 || port == 0x3e8 || port == 0x2e8)));
}

/* Consoles are words of their own, in order, and the search ends. */
static void check_consoles(const char *text)
{
	const char *at = text, *before = text;
	char name[CONSOLE_NAME_SIZE], word[sizeof("console=") + CONSOLE_NAME_SIZE];

	while (cmdline_next_console(&at, name)) {
		const char *found;

		require(memchr(name, '\0', sizeof(name)) && !strchr(name, ','));
		require(at > before && at <= text + strlen(text));
		snprintf(word, sizeof(word), "console=%s", name);
		found = strstr(before, word);
		require(found && found + strlen(word) <= at);
		before = at;
		check_serial(name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size }, line = { data, 0 };
	char *base, *append;

	text_cut(&rest, '\n', &line);
	base = strndup((const char *)line.data, line.size);
	append = rest.size ? strndup((const char *)rest.data, rest.size) : strdup("");
	require(base && append);
	check_inherit(base, false);
	check_inherit(base, true);
	check_append(base, append);
	check_consoles(base);
	check_consoles(append);
	check_serial(base);
	check_serial(append);
	free(base);
	free(append);
	return 0;
}
