// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/aml.h"

/* The header of every table: ACPI specification 6.5, section 5.2.6. */
#define HEADER_SIZE	36
#define LENGTH_OFFSET	4
#define REVISION_OFFSET 8

#define EXT_PREFIX   0x5b
#define DUAL_PREFIX  0x2e
#define MULTI_PREFIX 0x2f

/* Section 20.2.5, by the upper digits of the opcodes. */
const char *const aml_terms[AML_NR_OPS / 16][16] = {
	[0x00] = { [6] = "nN Alias", [8] = "Nt Name" },
	[0x01] = { "pnl Scope", "pt Buffer", "p1e Package", "pte Package", "pNal Method",
		   "N1a External" },
	[0x06] = { " Local0", " Local1", " Local2", " Local3", " Local4", " Local5",
		   " Local6", " Local7", " Arg0", " Arg1", " Arg2", " Arg3", " Arg4",
		   " Arg5", " Arg6" },
	[0x07] = { "tT+Store", "R RefOf", "ttT+Add", "ttT Concatenate", "ttT+Subtract",
		   "T+Increment", "T+Decrement", "ttT+Multiply", "ttTT Divide",
		   "ttT+ShiftLeft", "ttT+ShiftRight", "ttT+And", "ttT+NAnd", "ttT+Or",
		   "ttT+NOr", "ttT+XOr" },
	[0x08] = { "tT+Not", "tT FindSetLeftBit", "tT FindSetRightBit", "d+DerefOf",
		   "ttT ConcatenateResTemplate", "ttT Mod", "st Notify", "s SizeOf",
		   "itT Index", "t1t1tt Match", "RtN CreateDWordField",
		   "RtN CreateWordField", "RtN CreateByteField", "RtN CreateBitField",
		   "s ObjectType", "RtN CreateQWordField" },
	[0x09] = { "tt+LAnd", "tt+LOr", "t+LNot", "tt+LEqual", "tt+LGreater", "tt+LLess",
		   "tT ToBuffer", "tT ToDecimalString", "tT ToHexString", "tT+ToInteger",
		   NULL, NULL, "ttT ToString", "tT+CopyObject", "tttT Mid", " Continue" },
	[0x0a] = { "ptl If", "pl Else", "ptl While", "+Noop", "t Return", " Break" },
	[0x0c] = { [12] = "+BreakPoint" },
	[0x10] = { [1] = "N1 Mutex", [2] = "N Event" },
	[0x11] = { [2] = "RT CondRefOf",
		   [3] = "RttN CreateField",
		   [15] = "tttttt LoadTable" },
	[0x12] = { "nT Load", "t Stall", "t Sleep", "s2 Acquire", "s Signal", "st Wait",
		   "s Reset", "s Release", "tT FromBCD", "tT ToBCD" },
	[0x13] = { " Revision", " Debug", "14t Fatal", " Timer" },
	[0x18] = { "N1vv OperationRegion", "pn1f Field", "pNl Device", "pN141l Processor",
		   "pN12l PowerResource", "pNl ThermalZone", "pnn1f IndexField",
		   "pnnt1f BankField", "Nttt DataTableRegion" },
};

void aml_break(struct bytes *rest)
{
	*rest = (struct bytes){ NULL, 0 };
}

static const uint8_t *cut(struct bytes *rest, size_t size)
{
	const uint8_t *data = rest->data;

	if (!data || size > rest->size) {
		aml_break(rest);
		return NULL;
	}
	rest->data += size;
	rest->size -= size;
	return data;
}

uint64_t aml_number(struct bytes *rest, size_t size)
{
	const uint8_t *data = cut(rest, size);
	uint64_t n = 0;

	while (data && size > 0)
		n = n << 8 | data[--size];
	return n;
}

const char *aml_table(struct bytes file, struct bytes *code, bool *narrow)
{
	struct bytes rest = file;
	uint64_t length;

	if (file.size < HEADER_SIZE)
		return "smaller than a table's header";
	if (memcmp(file.data + 1, "SDT", 3) != 0 || !file.data[0] ||
	    !strchr("DSPO", file.data[0]))
		return "not a table of code";
	cut(&rest, LENGTH_OFFSET);
	length = aml_number(&rest, 4);
	if (length < HEADER_SIZE || length > file.size)
		return "the length in its header is wrong";
	*code = (struct bytes){ file.data + HEADER_SIZE, length - HEADER_SIZE };
	*narrow |= file.data[0] == 'D' && file.data[REVISION_OFFSET] < 2;
	return NULL;
}

static bool is_lead(unsigned int c)
{
	return (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next byte; 0 at the end. */
static unsigned int peek(const struct bytes *rest)
{
	return rest->size ? rest->data[0] : 0;
}

unsigned int aml_op(struct bytes *rest)
{
	unsigned int op = peek(rest);

	if (is_lead(op) || (op && strchr("\\^\x2e\x2f", (int)op)))
		return AML_NAMED;
	cut(rest, 1);
	if (op == EXT_PREFIX)
		op = 0x100 | (unsigned int)aml_number(rest, 1);
	if (op >= AML_NR_OPS || !aml_operands(op))
		aml_break(rest);
	return op;
}

bool aml_constant(struct bytes *rest, uint64_t *n, struct bytes *text)
{
	unsigned int op = peek(rest);
	const uint8_t *nul;

	*text = (struct bytes){ NULL, 0 };
	if (!rest->size || (op > 1 && op != 0xff && (op < 0x0a || op > 0x0e)))
		return false;
	cut(rest, 1);
	if (op == 0x0d) {
		nul = memchr(rest->data, 0, rest->size);
		if (nul)
			*text = (struct bytes){ rest->data, (size_t)(nul - rest->data) };
		cut(rest, nul ? text->size + 1 : SIZE_MAX);
	} else if (op >= 0x0a && op <= 0x0e) {
		*n = aml_number(rest, op == 0x0e ? 8 : (size_t)1 << (op - 0x0a));
	} else {
		*n = op == 0xff ? UINT64_MAX : op;
	}
	return rest->data;
}

static bool is_segment(const uint8_t *p)
{
	for (size_t i = 0; i < AML_SEG_SIZE; i++)
		if (!is_lead(p[i]) && (!i || p[i] < '0' || p[i] > '9'))
			return false;
	return true;
}

struct aml_name aml_name(struct bytes *rest)
{
	struct aml_name name = { .root = peek(rest) == '\\', .count = 1 };

	cut(rest, name.root);
	for (; peek(rest) == '^'; name.up++)
		cut(rest, 1);
	if (rest->size && (peek(rest) == 0 || peek(rest) == DUAL_PREFIX)) {
		name.count = peek(rest) ? 2 : 0;
		cut(rest, 1);
	} else if (peek(rest) == MULTI_PREFIX) {
		cut(rest, 1);
		name.count = aml_number(rest, 1);
	}
	name.segs = cut(rest, name.count * AML_SEG_SIZE);
	for (size_t i = 0; rest->data && i < name.count; i++)
		if (!is_segment(name.segs + i * AML_SEG_SIZE))
			aml_break(rest);
	return rest->data ? name : (struct aml_name){ .count = 0 };
}

/* The upper two bits of the first byte give the number of further ones. */
size_t aml_length(struct bytes *rest)
{
	uint64_t first = aml_number(rest, 1), more = aml_number(rest, first >> 6);

	return first >> 6 ? (first & 0x0f) | more << 4 : first;
}

/* The length counts its own bytes too. */
struct bytes aml_body(struct bytes *rest)
{
	size_t before = rest->size, length = aml_length(rest), own = before - rest->size;
	struct bytes body = { rest->data, length - own };

	if (length < own || !cut(rest, body.size)) {
		aml_break(rest);
		aml_break(&body);
	}
	return body;
}
