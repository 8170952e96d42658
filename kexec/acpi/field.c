// SPDX-License-Identifier: GPL-2.0-only
/* Fields of operation regions in memory: ACPI specification 6.5, section 19.6.48. */
#include "acpi/eval.h"

#include <stdio.h>

static const struct value none;

/* Sets @addr and @size to those of the region @r. */
static void eval_region(struct eval *e, struct names_node *r, uint64_t *addr,
			uint64_t *size)
{
	struct bytes body = { r->body.data + 1, r->body.size - 1 };
	struct value at, length;

	if (r->flags & NAMES_BUSY)
		eval_refuse(e, r->seg, "depends on itself", "");
	if (e->regions > EVAL_NESTING_MAX)
		eval_refuse(e, r->seg, "is nested too deeply", "");
	if (eval_has_failed(e))
		return;
	r->flags |= NAMES_BUSY;
	e->regions++;
	at = eval_at(e, r->parent, &body);
	length = eval_at(e, r->parent, &body);
	e->regions--;
	r->flags &= (uint8_t)~NAMES_BUSY;
	if (at.kind != EVAL_INTEGER || length.kind != EVAL_INTEGER || !at.n ||
	    at.n == UINT32_MAX || at.n > UINT64_MAX - length.n)
		eval_refuse(e, r->seg, "has an impossible address", "");
	*addr = at.n;
	*size = length.n;
}

/* Returns the memory with the field @f, or NULL. Each word is read once. */
static const uint8_t *read_word(struct eval *e, const struct names_node *f, uint64_t addr,
				size_t size)
{
	struct phys_word *w = e->out->words;
	struct error err;

	for (; w < e->out->words + e->out->nr_words; w++)
		if (w->addr == addr && w->size == size)
			return w->data;
	if (!e->mem || e->out->nr_words == VMGENID_WORDS_MAX)
		return eval_refuse(e, f->seg, "is one word too many", ""), NULL;
	*w = (struct phys_word){ .addr = addr, .size = (uint8_t)size };
	if (e->mem->read(e->mem, addr, w->data, size, &err))
		return eval_fail(e->out, VMGENID_UNREADABLE, "%.4s, which ADDR needs: %s",
				 (const char *)f->seg, err.text),
		       NULL;
	e->out->nr_words++;
	return w->data;
}

/* Returns the region of @f, which must be a field of memory, or NULL. Reads nothing. */
static struct names_node *find_region(struct eval *e, const struct names_node *f)
{
	/* section 5.5.2.4 */
	static const char *const spaces[] = {
		"SystemMemory",	    "SystemIO", "PCI_Config",
		"EmbeddedControl",  "SMBus",	"SystemCMOS",
		"PciBarTarget",	    "IPMI",	"GeneralPurposeIo",
		"GenericSerialBus", "PCC",
	};
	const size_t known = sizeof(spaces) / sizeof(spaces[0]);
	struct bytes body = f->body;
	struct names_node *r = NULL;
	struct aml_name name;
	uint8_t space;

	if (f->op != AML_FIELD)
		return eval_refuse(e, f->seg, "is declared by ", aml_op_name(f->op)),
		       NULL;
	name = aml_name(&body);
	r = names_find(e->names, f->parent, &name);
	if (!r || r->op != AML_REGION)
		return eval_refuse(e, f->seg, "has no region", ""), NULL;
	space = r->body.data[0];
	if (space)
		eval_refuse(e, f->seg, "is in ",
			    space < known ? spaces[space] : "an unknown space");
	eval_check_object(e, f);
	eval_check_object(e, r);
	return r;
}

struct value eval_field(struct eval *e, const struct names_node *f, bool write)
{
	struct names_node *region = find_region(e, f);
	uint64_t addr = 0, size = 0, n = 0, skip = f->start % 8;
	const uint8_t *data = NULL;
	struct value v;
	char path[48];

	if (write)
		eval_refuse(e, f->seg, "would be written", "");
	if (!region || eval_has_failed(e))
		return none;
	eval_region(e, region, &addr, &size);
	if (!f->size || f->size > (e->narrow ? 32 : 64))
		eval_refuse(e, f->seg, "is wider than an integer", "");
	else if ((f->start + f->size + 7) / 8 > size)
		eval_refuse(e, f->seg, "lies outside of its region", "");
	addr += f->start / 8;
	if (!eval_has_failed(e))
		data = read_word(e, f, addr, (skip + f->size + 7) / 8);
	if (!data)
		return none;
	for (uint64_t i = 0; i < f->size; i++)
		n |= (uint64_t)(data[(skip + i) / 8] >> (skip + i) % 8 & 1) << i;
	if (!e->regions && !e->out->from[0])
		snprintf(e->out->from, sizeof(e->out->from), "field of %s at %#llx",
			 names_path(region, path, sizeof(path)),
			 (unsigned long long)addr);
	v = eval_integer(e, n);
	v.node = f;
	return v;
}
