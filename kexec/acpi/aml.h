/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aml.h - splits AML, the code in ACPI tables, into terms.
 *
 * Covers the encoding of ACPI specification 6.5, chapter 20, not its meaning: nothing is
 * run or resolved. All results point into the caller's bytes. Each function takes time
 * linear in the bytes it cuts off, none is recursive, and any input is safe.
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

#define AML_SEG_SIZE 4 /* a name segment: four characters, padded with '_' */

/* Kinds of terms that aml_next() distinguishes. */
enum aml_kind {
	AML_SCOPE,     /* Scope, Device and the like: @body has terms of its own */
	AML_CONDITION, /* like a scope, but conditional */
	AML_METHOD,    /* @body is its code */
	AML_OBJECT,    /* Name(): @body is the value, empty if no constant */
	AML_OTHER,
};

struct aml_term {
	enum aml_kind kind;
	struct bytes
		name; /* the last segment, when there is no path before it; or empty */
	struct bytes last; /* the last segment, with or without a path */
	struct bytes body;
};

/*
 * Checks the header of @file, a whole table with code: signature DSDT, SSDT, PSDT or
 * OSDT, and a length within @file. Ignores bytes beyond that length. The checksum may be
 * wrong: Linux only warns about that too. Sets @code to the bytes after the header.
 * Returns NULL, or the fault in words.
 */
const char *aml_table(struct bytes file, struct bytes *code);

/*
 * Cuts the next term off @rest. Of a scope or a condition it cuts off only the head, so
 * the next call returns the first term inside. An expression comes as one AML_OTHER per
 * operator and operand. False at the end of @rest, and with @rest not empty where the
 * code is malformed.
 */
bool aml_next(struct bytes *rest, struct aml_term *term);

/* Each cuts off the item that it is named after; else returns false and keeps @rest. */
bool aml_op(struct bytes *rest, uint8_t op);
bool aml_integer(struct bytes *rest, uint64_t *value);
bool aml_string(struct bytes *rest, struct bytes *text); /* without its NUL */

/*
 * Cuts off a name. @last is its last segment, empty for the null name; @plain is true if
 * it has no path.
 */
bool aml_name(struct bytes *rest, struct bytes *last, bool *plain);

/* Cuts off Package(): @count elements are declared, those given are in @elements. */
bool aml_package(struct bytes *rest, uint8_t *count, struct bytes *elements);

#endif
