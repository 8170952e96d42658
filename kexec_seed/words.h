/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * words.h - a command as words, without a shell.
 *
 * Words end at blanks. Within '...' everything stands for itself; within "..." and outside
 * of quotes a backslash makes the next character stand for itself. There is nothing else:
 * no variables, no patterns, no redirection.
 */
#ifndef KS_WORDS_H
#define KS_WORDS_H

#include "error.h"

#define WORDS_MAX 64

/*
 * Splits @text. *@out ends with a NULL and is one piece of memory: words_free(). An empty
 * text gives no word at all. 0; -EINVAL (a quote that is not closed, a backslash at the
 * end, more than WORDS_MAX words), -ENOMEM, and then *@out is NULL.
 */
int words_split(const char *text, char ***out, struct error *err);

/* Frees them; harmless on NULL. */
void words_free(char **words);

#endif
