/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - lines, words and numbers in the small files of /proc and /sys.
 *
 * Pure functions over bytes: they allocate nothing and need no NUL.
 */
#ifndef KS_TEXT_H
#define KS_TEXT_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Returns the string @s without its NUL. NULL gives an empty text. */
struct bytes text_from(const char *s);

/*
 * Cuts the next piece off @rest: up to @stop, which is dropped, or to the end. False if
 * @rest is empty.
 */
bool text_cut(struct bytes *rest, char stop, struct bytes *piece);

/* Returns @text without blanks, tabs and newlines at both ends. */
struct bytes text_trim(struct bytes text);

bool text_equals(struct bytes text, const char *s);

/* The same, but letter case does not count. */
bool text_equals_nocase(struct bytes text, const char *s);

/* True if @text begins with @s. @rest, which may be NULL, then gets the remainder. */
bool text_starts(struct bytes text, const char *s, struct bytes *rest);

/*
 * Parses all of @text as hexadecimal: 1 to 16 digits after an optional 0x. False if it is
 * not.
 */
bool text_hex(struct bytes text, uint64_t *out);

/*
 * Parses all of @text: hexadecimal after 0x, else decimal without leading zeroes. False
 * if it is neither or too large.
 */
bool text_number(struct bytes text, uint64_t *out);

/* Message about a number that text_number() rejects. */
#define TEXT_NUMBER_RULE "not a number: 0x and hexadecimal digits, or decimal"

/*
 * Parses all of @text as decimal without leading zeroes, as the kernel prints it. False
 * if it is not or too large.
 */
bool text_decimal(struct bytes text, uint32_t *out);

#endif
