// SPDX-License-Identifier: GPL-2.0-only
#include "error.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One line for a terminal: whatever a file name brings along must not break it. */
static void make_one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* Two paths and what is said of them. Not from malloc(): that may be what has failed. */
#define WHOLE_MAX (2 * PATH_MAX + ERROR_TEXT_MAX)

/* Whether @p is inside a character of UTF-8, where no text may be cut. */
static bool is_inside(const char *p)
{
	return ((unsigned char)*p & 0xc0) == 0x80;
}

/* Of what is too long the middle goes. */
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
