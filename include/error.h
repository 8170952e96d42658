/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.h - error reporting: an errno for the program, one line for the user.
 *
 * A function that can fail returns 0 or a negative errno and fills in a struct error: the
 * cause and, if there is one, the way out. Functions do not print it; the command or the
 * daemon's log does.
 */
#ifndef KS_ERROR_H
#define KS_ERROR_H

#define ERROR_TEXT_MAX 512

struct error {
	char text[ERROR_TEXT_MAX]; /* one line, no trailing newline */
};

/*
 * Formats the line into @err and returns -@code, for `return error_set(err, EINVAL,
 * "...")`. @code is a positive errno. A long line loses its middle, usually part of a
 * path: the cause and the way out are at its end. Control characters become '?', so a
 * file name cannot break the line or upset a terminal.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Like strerror() for the error of a system call, but says more where strerror() names no
 * cause. No other function of the product calls that.
 */
const char *errno_text(int code);

/* Prepends "text: " to the line in @err. */
void error_prefix(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
