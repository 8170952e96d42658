// SPDX-License-Identifier: GPL-2.0-only
#include "error.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A file name may hold control characters: keep the message one line. */
static void make_one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* Room for two paths and a message. On the stack: malloc() may be what failed. */
#define WHOLE_MAX (2 * PATH_MAX + ERROR_TEXT_MAX)

/* True if @p is inside a UTF-8 character, where text must not be cut. */
static bool is_inside(const char *p)
{
	return ((unsigned char)*p & 0xc0) == 0x80;
}

/* Cuts a long line in the middle: the cause and the way out are at its end. */
static void set_whole(struct error *err, char *whole)
{
	static const char gap[] = "...";
	const size_t room = sizeof(err->text) - sizeof(gap);
	const size_t length = strlen(whole);
	size_t head = room / 2;
	const char *tail;

	make_one_line(whole);
	if (length < sizeof(err->text)) {
		memcpy(err->text, whole, length + 1);
		return;
	}
	tail = whole + length - (room - head);
	while (head && is_inside(whole + head))
		head--;
	while (is_inside(tail))
		tail++;
	snprintf(err->text, sizeof(err->text), "%.*s%s%s", (int)head, whole, gap, tail);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	char whole[WHOLE_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(whole, sizeof(whole), fmt, ap) < 0)
		whole[0] = '\0';
	va_end(ap);
	set_whole(err, whole);
	return -code;
}

const char *errno_text(int code)
{
	/* for good arguments, as all of ours should be */
	return code == EINVAL
		       ? "the kernel or file system does not support this (Invalid "
			 "argument)"
		       : strerror(code);
}

void error_prefix(struct error *err, const char *fmt, ...)
{
	char whole[WHOLE_MAX + ERROR_TEXT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(whole, WHOLE_MAX - 2, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n = n < WHOLE_MAX - 2 ? n : WHOLE_MAX - 3;
	snprintf(whole + n, sizeof(whole) - (size_t)n, ": %s", err->text);
	set_whole(err, whole);
}
