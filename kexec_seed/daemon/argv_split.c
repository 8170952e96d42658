// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/argv_split.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/*
 * Copies the word at *@from to *@to, NUL-terminated, and advances both pointers. Returns
 * NULL or the syntax error.
 */
static const char *copy_word(const char **from, char **to)
{
	char quote = '\0', *w = *to;
	const char *p;

	for (p = *from; *p && (quote || !is_blank(*p)); p++) {
		if (quote && *p == quote) {
			quote = '\0';
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else if (*p == '\\' && quote != '\'') {
			if (!*++p)
				return "a backslash at its end";
			*w++ = *p;
		} else {
			*w++ = *p;
		}
	}
	if (quote)
		return "a quote that is not closed";
	*w++ = '\0';
	*from = p;
	*to = w;
	return NULL;
}

int argv_split(const char *text, char ***out, struct error *err)
{
	/*
	 * words and their NULs fit: a blank or the final NUL follows each word of @text
	 */
	char **words = calloc(1, (ARGV_MAX + 1) * sizeof(char *) + strlen(text) + 1);
	const char *problem = NULL;
	size_t count = 0;
	char *to;

	*out = NULL;
	if (!words)
		return error_set(err, ENOMEM, "out of memory");
	to = (char *)(words + ARGV_MAX + 1);
	while (!problem) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		if (count == ARGV_MAX) {
			free(words);
			return error_set(err, EINVAL, "more than %d words", ARGV_MAX);
		}
		words[count++] = to;
		problem = copy_word(&text, &to);
	}
	if (problem) {
		free(words);
		return error_set(err, EINVAL, "%s", problem);
	}
	*out = words;
	return 0;
}

void argv_free(char **words)
{
	free(words);
}
