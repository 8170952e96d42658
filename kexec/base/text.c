// SPDX-License-Identifier: GPL-2.0-only
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define MAX_HEX_DIGITS 16

struct bytes text_from(const char *s)
{
	return (struct bytes){ .data = (const uint8_t *)s, .size = s ? strlen(s) : 0 };
}

static void skip(struct bytes *text, size_t count)
{
	text->data += count;
	text->size -= count;
}

bool text_cut(struct bytes *rest, char stop, struct bytes *piece)
{
	const uint8_t *end;

	if (!rest->size)
		return false;
	end = memchr(rest->data, stop, rest->size);
	*piece = *rest;
	if (!end) {
		skip(rest, rest->size);
		return true;
	}
	piece->size = (size_t)(end - rest->data);
	skip(rest, piece->size + 1);
	return true;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

struct bytes text_trim(struct bytes text)
{
	while (text.size && is_space(text.data[0]))
		skip(&text, 1);
	while (text.size && is_space(text.data[text.size - 1]))
		text.size--;
	return text;
}

bool text_starts(struct bytes text, const char *s, struct bytes *rest)
{
	size_t size = strlen(s);

	if (text.size < size || (size && memcmp(text.data, s, size) != 0))
		return false;
	skip(&text, size);
	if (rest)
		*rest = text;
	return true;
}

bool text_equals(struct bytes text, const char *s)
{
	struct bytes rest;

	return text_starts(text, s, &rest) && !rest.size;
}

bool text_equals_nocase(struct bytes text, const char *s)
{
	return text.size == strlen(s) &&
	       !strncasecmp((const char *)text.data, s, text.size);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20; /* lower case */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_hex(struct bytes text, uint64_t *out)
{
	uint64_t value = 0;

	text_starts(text, "0x", &text);
	if (!text.size || text.size > MAX_HEX_DIGITS)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return true;
}

static bool decimal(struct bytes text, uint64_t *out)
{
	uint64_t value = 0;

	if (!text.size || (text.size > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned int digit = (unsigned int)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

bool text_decimal(struct bytes text, uint32_t *out)
{
	uint64_t value;

	if (!decimal(text, &value) || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

bool text_number(struct bytes text, uint64_t *out)
{
	return text_starts(text, "0x", NULL) ? text_hex(text, out) : decimal(text, out);
}
