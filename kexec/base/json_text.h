/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json_text.h - JSON as it is printed. Only for builds with json-c.
 */
#ifndef KS_JSON_TEXT_H
#define KS_JSON_TEXT_H

struct json_object;

/*
 * All of @top as text, which belongs to it; NULL when memory ran out, which json-c itself
 * does not tell: it leaves out what it has no room for. A byte that is not of UTF-8 becomes
 * a question mark.
 */
const char *json_text(struct json_object *top);

#endif
