/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * argv_split.h - splits a command into words, without a shell.
 *
 * Blanks separate words. Within '...' every character is literal; within "..." and
 * outside quotes a backslash makes the next character literal. Variables, patterns and
 * redirection are not supported.
 */
#ifndef KS_WORDS_H
#define KS_WORDS_H

#include "error.h"

#define ARGV_MAX 64

/*
 * Splits @text into a NULL-terminated array in one allocation: free it with argv_free().
 * An empty text yields no words. 0; -EINVAL (unclosed quote, backslash at the end, more
 * than ARGV_MAX words) or -ENOMEM with the line, and *@out is NULL.
 */
int argv_split(const char *text, char ***out, struct error *err);

/* Frees the array; NULL is allowed. */
void argv_free(char **words);

#endif
