// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/aml.h"

#include <stdio.h>
#include <string.h>

/* The header of every table: ACPI specification 6.5, section 5.2.6. */
#define HEADER_SIZE	36
#define LENGTH_OFFSET	4
#define REVISION_OFFSET 8

#define EXT_PREFIX   0x5b
#define DUAL_PREFIX  0x2e
#define MULTI_PREFIX 0x2f

/* Section 20.2.5. */
const char *const aml_operands[AML_NR_OPS] = {
	[0x00] = "",	    [0x01] = "",       [0x06] = "nN",	   [0x08] = "Nt",
	[0x0a] = "b",	    [0x0b] = "w",      [0x0c] = "d",	   [0x0d] = "z",
	[0x0e] = "q",	    [0x10] = "pnl",    [0x11] = "ptx",	   [0x12] = "pbe",
	[0x13] = "pte",	    [0x14] = "pNbl",   [0x15] = "Nbb",	   [0x60] = "",
	[0x61] = "",	    [0x62] = "",       [0x63] = "",	   [0x64] = "",
	[0x65] = "",	    [0x66] = "",       [0x67] = "",	   [0x68] = "",
	[0x69] = "",	    [0x6a] = "",       [0x6b] = "",	   [0x6c] = "",
	[0x6d] = "",	    [0x6e] = "",       [0x70] = "tT",	   [0x71] = "R",
	[0x72] = "ttT",	    [0x73] = "ttT",    [0x74] = "ttT",	   [0x75] = "T",
	[0x76] = "T",	    [0x77] = "ttT",    [0x78] = "ttTT",	   [0x79] = "ttT",
	[0x7a] = "ttT",	    [0x7b] = "ttT",    [0x7c] = "ttT",	   [0x7d] = "ttT",
	[0x7e] = "ttT",	    [0x7f] = "ttT",    [0x80] = "tT",	   [0x81] = "tT",
	[0x82] = "tT",	    [0x83] = "t",      [0x84] = "ttT",	   [0x85] = "ttT",
	[0x86] = "st",	    [0x87] = "s",      [0x88] = "ttT",	   [0x89] = "tbtbtt",
	[0x8a] = "RtN",	    [0x8b] = "RtN",    [0x8c] = "RtN",	   [0x8d] = "RtN",
	[0x8e] = "s",	    [0x8f] = "RtN",    [0x90] = "tt",	   [0x91] = "tt",
	[0x92] = "t",	    [0x93] = "tt",     [0x94] = "tt",	   [0x95] = "tt",
	[0x96] = "tT",	    [0x97] = "tT",     [0x98] = "tT",	   [0x99] = "tT",
	[0x9c] = "ttT",	    [0x9d] = "tT",     [0x9e] = "tttT",	   [0x9f] = "",
	[0xa0] = "ptl",	    [0xa1] = "pl",     [0xa2] = "ptl",	   [0xa3] = "",
	[0xa4] = "t",	    [0xa5] = "",       [0xcc] = "",	   [0xff] = "",
	[0x101] = "Nb",	    [0x102] = "N",     [0x112] = "RT",	   [0x113] = "RttN",
	[0x11f] = "tttttt", [0x120] = "nT",    [0x121] = "t",	   [0x122] = "t",
	[0x123] = "sw",	    [0x124] = "s",     [0x125] = "st",	   [0x126] = "s",
	[0x127] = "s",	    [0x128] = "tT",    [0x129] = "tT",	   [0x130] = "",
	[0x131] = "",	    [0x132] = "bdt",   [0x133] = "",	   [0x180] = "Nbtt",
	[0x181] = "pnbf",   [0x182] = "pNl",   [0x183] = "pNbdbl", [0x184] = "pNbwl",
	[0x185] = "pNl",    [0x186] = "pnnbf", [0x187] = "pnntbf", [0x188] = "Nttt",
};

/* The terms in ASL, by the upper digits of their opcodes; "-" has none. */
static const char *const names[] = {
	[0x00] = "Zero One - - - - Alias - Name - - - - - -",
	[0x01] = "Scope Buffer Package Package Method External",
	[0x06] = ("Local0 Local1 Local2 Local3 Local4 Local5 Local6 Local7 Arg0 Arg1 "
		  "Arg2 Arg3 Arg4 Arg5 Arg6"),
	[0x07] = ("Store RefOf Add Concatenate Subtract Increment Decrement Multiply "
		  "Divide ShiftLeft ShiftRight And NAnd Or NOr XOr"),
	[0x08] = ("Not FindSetLeftBit FindSetRightBit DerefOf ConcatenateResTemplate "
		  "Mod Notify SizeOf Index Match CreateDWordField CreateWordField "
		  "CreateByteField CreateBitField ObjectType CreateQWordField"),
	[0x09] = ("LAnd LOr LNot LEqual LGreater LLess ToBuffer ToDecimalString "
		  "ToHexString ToInteger - - ToString CopyObject Mid Continue"),
	[0x0a] = "If Else While Noop Return Break",
	[0x0c] = "- - - - - - - - - - - - BreakPoint",
	[0x0f] = "- - - - - - - - - - - - - - - Ones",
	[0x10] = "- Mutex Event",
	[0x11] = "- - CondRefOf CreateField - - - - - - - - - - - LoadTable",
	[0x12] = "Load Stall Sleep Acquire Signal Wait Reset Release FromBCD ToBCD",
	[0x13] = "Revision Debug Fatal Timer",
	[0x18] = ("OperationRegion Field Device Processor PowerResource ThermalZone "
		  "IndexField BankField DataTableRegion"),
};

static void skip(struct bytes *b, size_t n)
{
	b->data += n;
	b->size -= n;
}

bool aml_number(struct bytes *rest, size_t size, uint64_t *value)
{
	if (rest->size < size)
		return false;
	*value = 0;
	for (size_t i = size; i-- > 0;)
		*value = *value << 8 | rest->data[i];
	skip(rest, size);
	return true;
}

const char *aml_table(struct bytes file, struct bytes *code)
{
	struct bytes rest = file;
	uint64_t length = 0;

	if (file.size < HEADER_SIZE)
		return "smaller than a table's header";
	if (memcmp(file.data + 1, "SDT", 3) != 0 || !strchr("DSPO", file.data[0]) ||
	    !file.data[0])
		return "not a table of code";
	skip(&rest, LENGTH_OFFSET);
	aml_number(&rest, 4, &length);
	if (length < HEADER_SIZE || length > file.size)
		return "the length in its header is wrong";
	*code = (struct bytes){ file.data + HEADER_SIZE, length - HEADER_SIZE };
	return NULL;
}

bool aml_is_narrow(struct bytes file)
{
	return file.data[0] == 'D' && file.data[REVISION_OFFSET] < 2;
}

static bool is_lead(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || c == '_';
}

bool aml_op(struct bytes *rest, unsigned int *op)
{
	size_t size = 1;

	if (!rest->size)
		return false;
	*op = rest->data[0];
	if (*op == EXT_PREFIX) {
		if (rest->size < 2)
			return false;
		*op = 0x100 | rest->data[1];
		size = 2;
	} else if (is_lead((uint8_t)*op) || *op == '\\' || *op == '^' ||
		   *op == DUAL_PREFIX || *op == MULTI_PREFIX) {
		*op = AML_NAMED;
		return true;
	}
	if (*op >= AML_NR_OPS || !aml_operands[*op])
		return false;
	skip(rest, size);
	return true;
}

bool aml_integer(struct bytes *rest, uint64_t *value)
{
	struct bytes b = *rest;
	unsigned int op;

	if (!aml_op(&b, &op))
		return false;
	if (op <= 1)
		*value = op;
	else if (op == 0xff)
		*value = UINT64_MAX;
	else if (op < 0x0a || op > 0x0e || op == AML_STRING ||
		 !aml_number(&b, op == 0x0e ? 8 : (size_t)1 << (op - 0x0a), value))
		return false;
	*rest = b;
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

static bool is_segment(const uint8_t *p)
{
	for (size_t i = 0; i < AML_SEG_SIZE; i++)
		if (!is_lead(p[i]) && (!i || p[i] < '0' || p[i] > '9'))
			return false;
	return true;
}

bool aml_name(struct bytes *rest, struct aml_name *name)
{
	struct bytes b = *rest;

	*name = (struct aml_name){ .count = 1 };
	if (b.size && b.data[0] == '\\') {
		name->root = true;
		skip(&b, 1);
	}
	for (; b.size && b.data[0] == '^' && !name->root; name->up++)
		skip(&b, 1);
	if (!b.size)
		return false;
	if (b.data[0] == AML_ZERO || b.data[0] == DUAL_PREFIX) {
		name->count = b.data[0] ? 2 : 0;
		skip(&b, 1);
	} else if (b.data[0] == MULTI_PREFIX) {
		if (b.size < 2 || !b.data[1])
			return false;
		name->count = b.data[1];
		skip(&b, 2);
	}
	if (b.size < name->count * AML_SEG_SIZE)
		return false;
	name->segs = b.data;
	for (size_t i = 0; i < name->count; i++)
		if (!is_segment(b.data + i * AML_SEG_SIZE))
			return false;
	skip(&b, name->count * AML_SEG_SIZE);
	*rest = b;
	return true;
}

/* The upper two bits of the first byte give the number of further ones. */
bool aml_length(struct bytes *rest, size_t *length)
{
	struct bytes b = *rest;
	uint64_t first, more;

	if (!aml_number(&b, 1, &first) || !aml_number(&b, first >> 6, &more))
		return false;
	*length = first >> 6 ? (first & 0x0f) | more << 4 : first;
	*rest = b;
	return true;
}

/* The length counts its own bytes too. */
bool aml_body(struct bytes *rest, struct bytes *body)
{
	struct bytes b = *rest;
	size_t length, own;

	if (!aml_length(&b, &length))
		return false;
	own = rest->size - b.size;
	if (length < own || length > rest->size)
		return false;
	*body = (struct bytes){ b.data, length - own };
	skip(rest, length);
	return true;
}

const char *aml_op_name(unsigned int op, char *out, size_t size)
{
	const char *word = op < AML_NR_OPS ? names[op >> 4] : NULL;

	for (unsigned int i = op & 15; i > 0 && word; i--) {
		word = strchr(word, ' ');
		word += word != NULL;
	}
	snprintf(out, size, "%.*s", word ? (int)strcspn(word, " ") : 0, word ? word : "");
	return out;
}
