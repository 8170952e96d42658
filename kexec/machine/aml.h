/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aml.h - cuts the code in ACPI tables into its parts.
 *
 * ACPI specification 6.5, chapter 20: the encoding, not its meaning. Nothing is run and
 * nothing is resolved; all results point into the bytes that were given. Every function
 * takes time in proportion to what it cuts off, none calls itself, and any bytes will do
 * as input.
 */
#ifndef KS_AML_H
#define KS_AML_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* The opcodes (section 20.3) that callers ask for. */
enum aml_op {
	AML_NULL_NAME = 0x00,
	AML_NAME = 0x08,
	AML_PACKAGE = 0x12,
	AML_LOCAL0 = 0x60,
	AML_LOCAL7 = 0x67,
	AML_STORE = 0x70,
	AML_ADD = 0x72,
	AML_INDEX = 0x88,
	AML_RETURN = 0xa4,
};

#define AML_SEG_SIZE 4 /* a name segment: four characters, filled up with '_' */

/* What aml_next() can tell apart. */
enum aml_kind {
	AML_SCOPE,     /* Scope, Device and their like: @body has terms of its own */
	AML_CONDITION, /* If, Else, While: the same, if they run at all */
	AML_METHOD,    /* @body is its code */
	AML_OBJECT,    /* Name(): @body is the value, empty where it is no constant */
	AML_OTHER,
};

struct aml_term {
	enum aml_kind kind;
	struct bytes
		name; /* the last segment, when there is no path before it; or empty */
	struct bytes last; /* the last segment in any case */
	struct bytes body;
};

/*
 * Checks the header of a whole file with a table of code: one of the signatures DSDT,
 * SSDT, PSDT, OSDT, and a length that the file holds. What follows that length is
 * ignored. The checksum need not be right: Linux only warns about one that is not. What
 * follows the header is @code. NULL, or what is wrong, in words.
 */
const char *aml_table(struct bytes file, struct bytes *code);

/*
 * Cuts the next term off @rest. Of a scope or a condition only the head is cut off, so
 * that the next call finds the first term within. Expressions come as one AML_OTHER for
 * each of their operators and operands. False at the end of @rest, and with @rest not
 * empty when the code makes no sense there.
 */
bool aml_next(struct bytes *rest, struct aml_term *term);

/* These cut off exactly what they are named after; else false, and @rest stays. */
bool aml_op(struct bytes *rest, uint8_t op);
bool aml_integer(struct bytes *rest, uint64_t *value);
bool aml_string(struct bytes *rest, struct bytes *text); /* without its NUL */

/* A name: @last is its last segment (empty for the null name), @plain: it has no path. */
bool aml_name(struct bytes *rest, struct bytes *last, bool *plain);

/* Package(): the number of elements it shall have, and those that are given. */
bool aml_package(struct bytes *rest, uint8_t *count, struct bytes *elements);

#endif
