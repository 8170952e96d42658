/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aml.h - the encoding of AML, the code in ACPI tables.
 *
 * Covers ACPI specification 6.5, chapter 20, not its meaning: nothing is resolved or run.
 * All results point into the caller's bytes. A function that cuts an item off @rest
 * returns false, and leaves @rest alone, if the item is not there or not complete. Each
 * takes time linear in the bytes that it cuts off, none is recursive, any input is safe.
 */
#ifndef KS_AML_H
#define KS_AML_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Opcodes of section 20.3 that callers ask for; 0x100 stands for the prefix 0x5b. */
enum aml_op {
	AML_ZERO = 0x00, /* also the null name, and the target that is none */
	AML_ALIAS = 0x06,
	AML_NAME = 0x08,
	AML_STRING = 0x0d,
	AML_SCOPE = 0x10,
	AML_BUFFER = 0x11,
	AML_PACKAGE = 0x12,
	AML_VAR_PACKAGE = 0x13,
	AML_METHOD = 0x14,
	AML_EXTERNAL = 0x15,
	AML_LOCAL0 = 0x60,
	AML_LOCAL7 = 0x67,
	AML_STORE = 0x70,
	AML_ADD = 0x72,
	AML_SUBTRACT = 0x74,
	AML_INCREMENT = 0x75,
	AML_DECREMENT = 0x76,
	AML_MULTIPLY = 0x77,
	AML_SHIFT_LEFT = 0x79,
	AML_SHIFT_RIGHT = 0x7a,
	AML_AND = 0x7b,
	AML_NAND = 0x7c,
	AML_OR = 0x7d,
	AML_NOR = 0x7e,
	AML_XOR = 0x7f,
	AML_NOT = 0x80,
	AML_DEREF_OF = 0x83,
	AML_INDEX = 0x88,
	AML_LAND = 0x90,
	AML_LOR = 0x91,
	AML_LNOT = 0x92,
	AML_LEQUAL = 0x93,
	AML_LGREATER = 0x94,
	AML_LLESS = 0x95,
	AML_TO_INTEGER = 0x99,
	AML_COPY_OBJECT = 0x9d,
	AML_IF = 0xa0,
	AML_ELSE = 0xa1,
	AML_WHILE = 0xa2,
	AML_RETURN = 0xa4,
	AML_DEBUG = 0x131,
	AML_REGION = 0x180,
	AML_FIELD = 0x181,
	AML_DEVICE = 0x182,
	AML_PROCESSOR = 0x183,
	AML_POWER_RESOURCE = 0x184,
	AML_THERMAL_ZONE = 0x185,
	AML_NR_OPS = 0x189,
	AML_NAMED = 0x200, /* no opcode: a name comes next */
};

/*
 * Operands, a letter each:
 *	b w d q	a number of 1, 2, 4 or 8 bytes
 *	z	bytes up to a NUL
 *	n N	a name: of something else; of the object that the term declares
 *	t	a term that gives a value
 *	s	an object that is only looked at
 *	T	a target: an object that the term changes, or nothing
 *	R	an object to which the term makes a reference
 *	p	PkgLength: all further operands lie in that many bytes
 *	l e f x	a list of terms, elements, fields, plain bytes, up to the end of these
 */
extern const char *const aml_operands[AML_NR_OPS]; /* NULL: no such opcode */

/* Writes the term's name in ASL, "-" if it has none, to @out and returns @out. */
const char *aml_op_name(unsigned int op, char *out, size_t size);

#define AML_SEG_SIZE 4 /* a name segment: four characters, padded with '_' */

struct aml_name {
	bool root; /* starts at the root */
	size_t up; /* else this many levels above the scope */
	const uint8_t *segs;
	size_t count; /* of segments */
};

/*
 * Checks the header of @file, a whole table with code (section 5.2.6): signature DSDT,
 * SSDT, PSDT or OSDT, and a length within @file. Ignores bytes beyond that length. The
 * checksum may be wrong: Linux only warns about that too. Sets @code to the bytes after
 * the header. Returns NULL, or the fault in words.
 */
const char *aml_table(struct bytes file, struct bytes *code);

/* True for a DSDT, with a header, that is so old that integers have 32 bits. */
bool aml_is_narrow(struct bytes file);

/* Cuts an opcode off. Before a name it cuts nothing off: @op is AML_NAMED. */
bool aml_op(struct bytes *rest, unsigned int *op);

/* Each cuts off the item that it is named after. */
bool aml_number(struct bytes *rest, size_t size, uint64_t *value);
bool aml_integer(struct bytes *rest, uint64_t *value);
bool aml_string(struct bytes *rest, struct bytes *text); /* without opcode and NUL */
bool aml_name(struct bytes *rest, struct aml_name *name);

/* A PkgLength (section 20.2.4): alone; with the @body that it gives the length of. */
bool aml_length(struct bytes *rest, size_t *length);
bool aml_body(struct bytes *rest, struct bytes *body);

#endif
