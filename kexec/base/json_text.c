// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "base/json_text.h"

#ifdef HAVE_JSONC
#include <json.h>

#define STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)

/* It keeps its buffer, so the second text needs no more: a whole one is as long. */
const char *json_text(struct json_object *top)
{
	size_t first = 0, second = 0;
	const char *text = json_object_to_json_string_length(top, STYLE, &first);

	text = text ? json_object_to_json_string_length(top, STYLE, &second) : NULL;
	return text && first == second ? text : NULL;
}
#else
const char *json_text(struct json_object *top)
{
	(void)top;
	return 0;
}
#endif
