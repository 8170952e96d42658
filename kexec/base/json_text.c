// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "base/json_text.h"

#ifdef HAVE_JSONC
#include <json.h>

#define STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)

/* The bytes of the character at @p, by RFC 3629; 0: it is none. */
static size_t utf8_size(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (size > 1 && (*p < 0xc2 || *p > 0xf4))
		return 0;
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf4)
		high = 0x8f;
	if (size > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

/* Paths and command lines may have any bytes, JSON may not; json-c takes them as they are. */
static void make_utf8(char *text)
{
	while (*text) {
		size_t size = utf8_size((const unsigned char *)text);

		if (!size)
			*text = '?';
		text += size ? size : 1;
	}
}

/* It keeps its buffer, so the second text needs no more: a whole one is as long. */
const char *json_text(struct json_object *top)
{
	size_t first = 0, second = 0;
	const char *text = json_object_to_json_string_length(top, STYLE, &first);

	text = text ? json_object_to_json_string_length(top, STYLE, &second) : NULL;
	if (!text || first != second)
		return NULL;
	make_utf8((char *)text); /* the buffer is @top's, and ours as long as it lives */
	return text;
}
#else
const char *json_text(struct json_object *top)
{
	(void)top;
	return 0;
}
#endif
