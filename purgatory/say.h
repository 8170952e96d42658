/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say.h - say() of arch.h, on the put() that an architecture's console.c has before it
 * includes this.
 */
#ifndef KS_SAY_H
#define KS_SAY_H

#include <stdarg.h>

static void put(char c);

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_number(uint64_t value, unsigned int base)
{
	char digits[20]; /* 2^64 - 1 in decimal */
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(digits[--n]);
}

void say(const char *fmt, ...)
{
	va_list ap;

	put_string("kexec-seed purgatory: ");
	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		fmt++;
		if (*fmt == 's')
			put_string(va_arg(ap, const char *));
		else if (fmt[0] == 'l' && fmt[1] == 'u')
			put_number(va_arg(ap, uint64_t), 10), fmt++;
		else if (fmt[0] == 'l' && fmt[1] == 'x')
			put_number(va_arg(ap, uint64_t), 16), fmt++;
		else
			put(*fmt);
	}
	va_end(ap);
	put('\n');
}

#endif
