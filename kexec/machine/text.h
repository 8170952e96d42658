/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - lines, words and numbers in the small texts of /proc and /sys.
 *
 * Pure functions over bytes: nothing is allocated, nothing has to end with a NUL.
 */
#ifndef KS_TEXT_H
#define KS_TEXT_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* A text that ends with a NUL, without it. NULL is the empty text. */
struct bytes text_from(const char *s);

/*
 * Cuts the next piece that ends at @stop (or with the text) off @rest. The stop belongs
 * to neither. False when @rest is used up.
 */
bool text_cut(struct bytes *rest, char stop, struct bytes *piece);

/* The same text without blanks, tabs and newlines at both ends. */
struct bytes text_trim(struct bytes text);

bool text_equals(struct bytes text, const char *s);

/* When @text begins with @s: true, and @rest (which may be NULL) is what follows. */
bool text_starts(struct bytes text, const char *s, struct bytes *rest);

/* All of @text is one number: hexadecimal, 1 to 16 digits, 0x in front or not. */
bool text_hex(struct bytes text, uint64_t *out);

/* All of @text is one number: decimal, as the kernel writes it (no leading zeroes). */
bool text_decimal(struct bytes text, uint32_t *out);

#endif
