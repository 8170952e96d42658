// SPDX-License-Identifier: GPL-2.0-only
/* Fields of operation regions in memory: ACPI specification 6.5, section 19.6.48. */
#include "acpi/eval.h"

#include <stdio.h>

/* Returns the region of the field @node, or NAMES_NONE. Reads nothing. */
uint32_t eval_find_region(struct eval *e, uint32_t node)
{
	/* section 5.5.2.4 */
	static const char *const spaces[] = {
		"SystemMemory",	    "SystemIO", "PCI_Config",
		"EmbeddedControl",  "SMBus",	"SystemCMOS",
		"PciBarTarget",	    "IPMI",	"GeneralPurposeIo",
		"GenericSerialBus", "PCC"
	};
	const struct names_node *f = &e->names->nodes[node], *r;
	struct bytes body = f->body;
	struct aml_name name;
	uint32_t i = NAMES_NONE;

	if (f->op != AML_FIELD)
		return eval_refuse_op(e, node, "is declared by ", f->op), NAMES_NONE;
	if (aml_name(&body, &name))
		i = names_find(e->names, f->parent, &name);
	r = &e->names->nodes[i == NAMES_NONE ? NAMES_ROOT : i];
	if (r->op != AML_REGION)
		return eval_refuse(e, node, "has no region", ""), NAMES_NONE;
	if (r->body.data[0])
		return eval_refuse(e, node, "is in ",
				   r->body.data[0] < sizeof(spaces) / sizeof(spaces[0])
					   ? spaces[r->body.data[0]]
					   : "an unknown space"),
		       NAMES_NONE;
	return eval_check_node(e, node) && eval_check_node(e, i) ? i : NAMES_NONE;
}

static bool eval_region(struct eval *e, uint32_t i, uint64_t *start, uint64_t *size)
{
	struct names_node *r = &e->names->nodes[i];
	struct bytes body = { r->body.data + 1, r->body.size - 1 };
	struct eval_value at, bytes;
	bool ok;

	if (r->flags & NAMES_BUSY)
		return eval_refuse(e, i, "depends on itself", "");
	if (e->regions > EVAL_NESTING_MAX)
		return eval_refuse(e, i, "is nested too deeply", "");
	r->flags |= NAMES_BUSY;
	e->regions++;
	ok = eval_at(e, r->parent, &body, &at) && eval_at(e, r->parent, &body, &bytes);
	e->regions--;
	r->flags &= (uint8_t)~NAMES_BUSY;
	if (!ok)
		return false;
	if (at.kind != EVAL_INTEGER || bytes.kind != EVAL_INTEGER || !at.n ||
	    at.n == UINT32_MAX || at.n > UINT64_MAX - bytes.n)
		return eval_refuse(e, i, "has an impossible address", "");
	*start = at.n;
	*size = bytes.n;
	return true;
}

/* Returns the memory with the field @node, or NULL. Each word is read once. */
static const uint8_t *read_word(struct eval *e, uint32_t node, uint64_t addr, size_t size)
{
	struct phys_word *w = e->out->words;
	struct error err;

	for (; w < e->out->words + e->out->nr_words; w++)
		if (w->addr == addr && w->size == size)
			return w->data;
	if (!e->mem || e->out->nr_words == VMGENID_WORDS_MAX)
		return eval_refuse(e, node, "is one word too many", ""), NULL;
	*w = (struct phys_word){ .addr = addr, .size = (uint8_t)size };
	if (e->mem->read(e->mem, addr, w->data, size, &err))
		return eval_fail(e, VMGENID_UNREADABLE, "%.4s, which ADDR needs: %s",
				 (const char *)e->names->nodes[node].seg, err.text),
		       NULL;
	e->out->nr_words++;
	return w->data;
}

bool eval_field(struct eval *e, uint32_t node, struct eval_value *v)
{
	const struct names_node *f = &e->names->nodes[node];
	uint32_t region = eval_find_region(e, node);
	uint64_t addr = 0, size = 0, n = 0, skip = f->start % 8;
	const uint8_t *data;
	char path[48];

	if (region == NAMES_NONE || !eval_region(e, region, &addr, &size))
		return false;
	if (!f->size || f->size > (e->narrow ? 32 : 64))
		return eval_refuse(e, node, "is wider than an integer", "");
	if ((f->start + f->size + 7) / 8 > size)
		return eval_refuse(e, node, "lies outside of its region", "");
	addr += f->start / 8;
	data = read_word(e, node, addr, (skip + f->size + 7) / 8);
	if (!data)
		return false;
	for (uint64_t i = 0; i < f->size; i++)
		n |= (uint64_t)(data[(skip + i) / 8] >> (skip + i) % 8 & 1) << i;
	if (!e->regions && !e->out->from[0])
		snprintf(e->out->from, sizeof(e->out->from), "field of %s at %#llx",
			 names_path(e->names, region, path, sizeof(path)),
			 (unsigned long long)addr);
	eval_give_integer(e, n, v);
	v->node = node;
	return true;
}
