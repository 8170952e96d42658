// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/aml.h"

#include <string.h>

/* The header of every table: ACPI specification 6.5, section 5.2.6. */
#define HEADER_SIZE   36
#define LENGTH_OFFSET 4

/* More opcodes of section 20.3. Those that follow AML_EXT have 0x5b in the upper byte. */
enum {
	AML_ONE = 0x01,
	AML_ALIAS = 0x06,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_STRING = 0x0d,
	AML_QWORD = 0x0e,
	AML_SCOPE_OP = 0x10,
	AML_BUFFER = 0x11,
	AML_VAR_PACKAGE = 0x13,
	AML_METHOD_OP = 0x14,
	AML_EXTERNAL = 0x15,
	AML_DUAL_NAME = 0x2e,
	AML_MULTI_NAME = 0x2f,
	AML_EXT = 0x5b,
	AML_IF = 0xa0,
	AML_ELSE = 0xa1,
	AML_WHILE = 0xa2,
	AML_ONES = 0xff,
	AML_MUTEX = 0x5b01,
	AML_EVENT = 0x5b02,
	AML_REGION = 0x5b80,
	AML_FIELD = 0x5b81,
	AML_DEVICE = 0x5b82,
	AML_PROCESSOR = 0x5b83,
	AML_POWER_RES = 0x5b84,
	AML_THERMAL_ZONE = 0x5b85,
	AML_INDEX_FIELD = 0x5b86,
	AML_BANK_FIELD = 0x5b87,
	AML_DATA_REGION = 0x5b88,
};

static void skip(struct bytes *b, size_t n)
{
	b->data += n;
	b->size -= n;
}

static uint64_t little_endian(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | p[n];
	return value;
}

const char *aml_table(struct bytes file, struct bytes *code)
{
	uint64_t length;

	if (file.size < HEADER_SIZE)
		return "smaller than a table's header";
	if (memcmp(file.data + 1, "SDT", 3) != 0 || !strchr("DSPO", file.data[0]) ||
	    !file.data[0])
		return "not a table of code";
	length = little_endian(file.data + LENGTH_OFFSET, 4);
	if (length < HEADER_SIZE || length > file.size)
		return "the length in its header is wrong";
	*code = (struct bytes){ file.data + HEADER_SIZE, length - HEADER_SIZE };
	return NULL;
}

bool aml_op(struct bytes *rest, uint8_t op)
{
	if (!rest->size || rest->data[0] != op)
		return false;
	skip(rest, 1);
	return true;
}

bool aml_integer(struct bytes *rest, uint64_t *value)
{
	size_t n;

	if (!rest->size)
		return false;
	switch (rest->data[0]) {
	case AML_NULL_NAME: /* Zero has the same code */
	case AML_ONE:
		*value = rest->data[0];
		skip(rest, 1);
		return true;
	case AML_ONES:
		*value = UINT64_MAX;
		skip(rest, 1);
		return true;
	case AML_BYTE:
		n = 1;
		break;
	case AML_WORD:
		n = 2;
		break;
	case AML_DWORD:
		n = 4;
		break;
	case AML_QWORD:
		n = 8;
		break;
	default:
		return false;
	}
	if (rest->size < 1 + n)
		return false;
	*value = little_endian(rest->data + 1, n);
	skip(rest, 1 + n);
	return true;
}

bool aml_string(struct bytes *rest, struct bytes *text)
{
	const uint8_t *nul;

	if (!rest->size || rest->data[0] != AML_STRING)
		return false;
	nul = memchr(rest->data + 1, 0, rest->size - 1);
	if (!nul)
		return false;
	*text = (struct bytes){ rest->data + 1, (size_t)(nul - rest->data) - 1 };
	skip(rest, text->size + 2);
	return true;
}

static bool is_lead(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_segment(const uint8_t *p)
{
	for (size_t i = 0; i < AML_SEG_SIZE; i++)
		if (!is_lead(p[i]) && (!i || p[i] < '0' || p[i] > '9'))
			return false;
	return true;
}

/* Reads the number of segments that follow and cuts it off. */
static bool name_count(struct bytes *b, size_t *count)
{
	if (aml_op(b, AML_NULL_NAME)) {
		*count = 0;
	} else if (aml_op(b, AML_DUAL_NAME)) {
		*count = 2;
	} else if (aml_op(b, AML_MULTI_NAME)) {
		if (!b->size || !b->data[0])
			return false;
		*count = b->data[0];
		skip(b, 1);
	} else {
		*count = 1;
	}
	return true;
}

bool aml_name(struct bytes *rest, struct bytes *last, bool *plain)
{
	struct bytes b = *rest;
	size_t count;

	if (!aml_op(&b, '\\'))
		while (aml_op(&b, '^'))
			;
	*plain = b.data == rest->data;
	if (!name_count(&b, &count) || b.size < count * AML_SEG_SIZE)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_segment(b.data + i * AML_SEG_SIZE))
			return false;
	*plain = *plain && count == 1;
	*last = (struct bytes){ b.data, 0 };
	if (count)
		*last = (struct bytes){ b.data + (count - 1) * AML_SEG_SIZE,
					AML_SEG_SIZE };
	skip(&b, count * AML_SEG_SIZE);
	*rest = b;
	return true;
}

/*
 * Section 20.2.4, PkgLength: counts from @rest on, its own bytes included. The upper two
 * bits of its first byte give the number of further ones.
 */
static bool take_body(struct bytes *rest, struct bytes *body)
{
	size_t more, length;

	if (!rest->size)
		return false;
	more = rest->data[0] >> 6;
	if (rest->size < 1 + more)
		return false;
	length = rest->data[0] & (more ? 0x0f : 0x3f);
	length |= (size_t)little_endian(rest->data + 1, more) << 4;
	if (length < 1 + more || length > rest->size)
		return false;
	*body = (struct bytes){ rest->data + 1 + more, length - 1 - more };
	skip(rest, length);
	return true;
}

bool aml_package(struct bytes *rest, uint8_t *count, struct bytes *elements)
{
	struct bytes b = *rest;

	if (!aml_op(&b, AML_PACKAGE) || !take_body(&b, elements) || !elements->size)
		return false;
	*count = elements->data[0];
	skip(elements, 1);
	*rest = b;
	return true;
}

static bool take_name(struct bytes *rest, struct aml_term *term)
{
	bool plain;

	if (!aml_name(rest, &term->last, &plain))
		return false;
	if (plain)
		term->name = term->last;
	return true;
}

static bool skip_checked(struct bytes *b, size_t n)
{
	if (b->size < n)
		return false;
	skip(b, n);
	return true;
}

/* Cuts off a whole constant. Anything else stays in @rest for the next aml_next(). */
static bool take_constant(struct bytes *rest, struct bytes *value)
{
	struct bytes start = *rest, ignored;
	uint64_t integer;

	if (start.size && start.data[0] >= AML_BUFFER &&
	    start.data[0] <= AML_VAR_PACKAGE) {
		skip(rest, 1);
		if (!take_body(rest, &ignored))
			return false;
	} else if (start.size && start.data[0] == AML_STRING) {
		if (!aml_string(rest, &ignored))
			return false;
	} else if (!aml_integer(rest, &integer)) {
		return true;
	}
	*value = (struct bytes){ start.data, start.size - rest->size };
	return true;
}

/*
 * Takes a term with a length, a name (if @named) and @fixed bytes before its content.
 * Scopes and conditions are entered, all others cut off whole.
 */
static bool take_block(struct bytes *rest, struct aml_term *term, enum aml_kind kind,
		       bool named, size_t fixed)
{
	struct bytes after = *rest;

	term->kind = kind;
	if (!take_body(&after, &term->body) || (named && !take_name(&term->body, term)) ||
	    !skip_checked(&term->body, fixed))
		return false;
	if (kind == AML_SCOPE || kind == AML_CONDITION)
		skip(rest, (size_t)(term->body.data - rest->data));
	else
		*rest = after;
	return true;
}

static bool take_alias(struct bytes *rest, struct aml_term *term)
{
	struct aml_term source = { 0 };

	return take_name(rest, &source) && take_name(rest, term);
}

/* Takes terms without a length: operators and operands. */
static bool take_plain(struct bytes *rest, struct aml_term *term, unsigned int op)
{
	if (op > 0xff)
		return true;
	if (op == '\\' || op == '^' || op == AML_DUAL_NAME || op == AML_MULTI_NAME ||
	    is_lead((uint8_t)op)) {
		rest->data--; /* the byte was the name's first, not an operator */
		rest->size++;
		return take_name(rest, term);
	}
	if (op == AML_STRING || (op >= AML_BYTE && op <= AML_QWORD)) {
		rest->data--;
		rest->size++;
		return take_constant(rest, &term->body) && term->body.size;
	}
	return true;
}

static bool take_term(struct bytes *rest, struct aml_term *term, unsigned int op)
{
	switch (op) {
	case AML_SCOPE_OP:
	case AML_DEVICE:
	case AML_THERMAL_ZONE:
		return take_block(rest, term, AML_SCOPE, true, 0);
	case AML_PROCESSOR: /* number, address (4), length */
		return take_block(rest, term, AML_SCOPE, true, 6);
	case AML_POWER_RES: /* level, order (2) */
		return take_block(rest, term, AML_SCOPE, true, 3);
	case AML_IF:
	case AML_ELSE:
	case AML_WHILE:
		return take_block(rest, term, AML_CONDITION, false, 0);
	case AML_METHOD_OP: /* flags */
		return take_block(rest, term, AML_METHOD, true, 1);
	case AML_BUFFER:
	case AML_PACKAGE:
	case AML_VAR_PACKAGE:
	case AML_FIELD:
	case AML_INDEX_FIELD:
	case AML_BANK_FIELD:
		return take_block(rest, term, AML_OTHER, false, 0);
	case AML_NAME:
		term->kind = AML_OBJECT;
		return take_name(rest, term) && take_constant(rest, &term->body);
	case AML_ALIAS:
		return take_alias(rest, term);
	case AML_EXTERNAL: /* type, arguments */
		return take_name(rest, term) && skip_checked(rest, 2);
	case AML_MUTEX:	 /* level */
	case AML_REGION: /* address space */
		return take_name(rest, term) && skip_checked(rest, 1);
	case AML_EVENT:
	case AML_DATA_REGION:
		return take_name(rest, term);
	default:
		return take_plain(rest, term, op);
	}
}

bool aml_next(struct bytes *rest, struct aml_term *term)
{
	struct bytes b = *rest;
	unsigned int op;

	*term = (struct aml_term){ .kind = AML_OTHER };
	if (!b.size)
		return false;
	op = b.data[0];
	skip(&b, 1);
	if (op == AML_EXT) {
		if (!b.size)
			return false;
		op = op << 8 | b.data[0];
		skip(&b, 1);
	}
	if (!take_term(&b, term, op))
		return false;
	*rest = b;
	return true;
}
