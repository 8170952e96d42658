/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.h - how a failure travels from where it is seen to main().
 *
 * A function that can fail returns 0 or a negative errno and takes a struct error, into
 * which it writes one line: the cause and, where there is one, the way out. Nobody but
 * main() prints it.
 */
#ifndef KS_ERROR_H
#define KS_ERROR_H

#define ERROR_TEXT_MAX 512

struct error {
	char text[ERROR_TEXT_MAX]; /* one line without the final newline */
};

/*
 * Writes the line into @err and returns -@code, so that a caller can say
 * `return error_set(err, EINVAL, "...")`. @code is a positive errno. A text that is too
 * long loses its middle, mostly that of a path: the cause and the way out are at its end. A
 * character that would break the line or a terminal becomes '?'.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of the line that is already there. */
void error_prefix(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
