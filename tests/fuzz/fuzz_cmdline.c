// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as the running kernel's command line (the first line) and as what the user
 * appends to it (the rest).
 */
#include "machine/text.h"
#include "plan/cmdline.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Whether @text has the word @name=... outside of quotes. */
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

static void check_join(const char *base, const char *append, bool crash)
{
	char *kept = cmdline_join(base, NULL, crash);
	char *joined = cmdline_join(base, append, crash);
	char *again = cmdline_join(kept, NULL, crash);
	size_t length = strlen(joined), tail = strlen(append);

	require(kept && joined && again);
	require(strlen(kept) <= strlen(base) && length <= strlen(base) + tail + 1);
	require(!strcmp(again, kept)); /* nothing is left that should have gone */
	require(!has_word(kept, "BOOT_IMAGE="));
	require(!crash || !has_word(kept, "crashkernel="));
	require(!strncmp(joined, kept, strlen(kept)));
	require(!strcmp(joined + length - tail, append));
	free(kept);
	free(joined);
	free(again);
}

static void check_serial(const char *text)
{
	struct cmdline_console c = cmdline_serial(text);

	require(!c.port || c.port == 0x3f8 || c.port == 0x2f8 || c.port == 0x3e8 ||
		c.port == 0x2e8);
	require(c.port || !c.baud);
	require(!c.port || (strstr(text, "console=ttyS") != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size }, line = { data, 0 };
	char *base, *append;

	text_cut(&rest, '\n', &line);
	base = strndup((const char *)line.data, line.size);
	append = rest.size ? strndup((const char *)rest.data, rest.size) : strdup("");
	require(base && append);
	check_join(base, append, false);
	check_join(base, append, true);
	check_serial(base);
	check_serial(append);
	serial_port_of(append);
	free(base);
	free(append);
	return 0;
}
