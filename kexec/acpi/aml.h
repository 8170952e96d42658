/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aml.h - the encoding of AML, the code in ACPI tables.
 *
 * Covers ACPI specification 6.5, chapter 20, not its meaning: nothing is resolved or run.
 * All results point into the caller's bytes. A function that cuts an item off @rest breaks
 * it, if the item is not there or not complete: { NULL, 0 }, from which nothing more can be
 * cut off. The result is then 0 or empty. So it is enough to look at rest.data at the end.
 * Each takes time linear in the bytes that it cuts off, none is recursive, any input is
 * safe.
 */
#ifndef KS_AML_H
#define KS_AML_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Opcodes of section 20.3 that callers ask for; 0x100 stands for the prefix 0x5b. */
enum aml_op {
	AML_ALIAS = 0x06,
	AML_NAME = 0x08,
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
	AML_NR_OPS = 0x190,
	AML_NAMED, /* no opcode: a name comes next */
};

/*
 * The terms other than constants: operands, a letter each, '+' if eval.c computes the
 * term, else ' ', and its name in ASL. NULL: no such opcode.
 *	1 2 4	a number of so many bytes
 *	a	flags with a number of arguments
 *	n N	a name: of something else; of the object that the term declares
 *	t	a term that gives a value
 *	v	a region's operand: what it names may be declared later
 *	s	an object that is only looked at
 *	T	a target: an object that the term changes, or nothing
 *	R	an object to which the term makes a reference
 *	i	a package, of which the term gives a part
 *	d	such a part, which the term reads
 *	p	PkgLength: all further operands lie in that many bytes
 *	l e f	a list of terms, elements, fields, up to the end of these
 */
extern const char *const aml_terms[AML_NR_OPS / 16][16];

static inline const char *aml_operands(unsigned int op)
{
	return aml_terms[op >> 4][op & 15];
}

static inline const char *aml_op_name(unsigned int op)
{
	return aml_operands(op) + strcspn(aml_operands(op), " +") + 1;
}

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
 * the header, and @narrow if it is a DSDT so old that integers have 32 bits. Returns
 * NULL, or the fault in words.
 */
const char *aml_table(struct bytes file, struct bytes *code, bool *narrow);

/* Breaks @rest. */
void aml_break(struct bytes *rest);

/* Cuts an opcode off. Before a name it cuts nothing off: AML_NAMED. */
unsigned int aml_op(struct bytes *rest);

/* Cuts a number of @size bytes off, or a name. */
uint64_t aml_number(struct bytes *rest, size_t size);
struct aml_name aml_name(struct bytes *rest);

/*
 * Cuts an integer off, or a string: then @text, without NUL, is not NULL. False if there is
 * something else: @rest is the same then, or broken.
 */
bool aml_constant(struct bytes *rest, uint64_t *n, struct bytes *text);

/* A PkgLength (section 20.2.4): alone; with the body that it gives the length of. */
size_t aml_length(struct bytes *rest);
struct bytes aml_body(struct bytes *rest);

#endif
