// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/vmgenid.h"

#include "acpi/eval.h"
#include "base/cleanup.h"

#include <stdarg.h>
#include <string.h>

#define PAGE_MASK ((uint64_t)0xfff)

static const char *const id_names[] = { "VM_Gen_Counter", "VMGENCTR" };

#define ID_NAMES (sizeof(id_names) / sizeof(id_names[0]))

static void __attribute__((format(printf, 3, 4)))
set(struct vmgenid *v, enum vmgenid_state state, const char *fmt, ...)
{
	va_list args;

	v->state = state;
	v->addr = 0;
	va_start(args, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, args);
	va_end(args);
}

/* True if an ID, in any case, is at the start of @text, which ends with it if @whole. */
static bool is_id(struct bytes text, bool whole)
{
	for (size_t i = 0; i < ID_NAMES; i++) {
		size_t n = strlen(id_names[i]);

		if (whole ? text.size == n : text.size >= n)
			if (!strncasecmp((const char *)text.data, id_names[i], n))
				return true;
	}
	return false;
}

static bool mentions_id(struct bytes in)
{
	for (; in.size; in.data++, in.size--)
		if ((in.data[0] | 0x20) == 'v' && is_id(in, false))
			return true;
	return false;
}

struct search {
	struct eval eval;
	uint32_t device;
	uint32_t id; /* its _HID or _CID */
	size_t found;
	size_t unclear; /* _HID and _CID that mention an ID but cannot be evaluated */
};

static void reset(struct eval *e)
{
	e->nr_elements = e->nr_objects = 0;
}

/* Gets the @i-th ID of _HID or _CID @node, a text or the number of an EISA ID. */
static bool get_id(struct eval *e, uint32_t node, size_t i, struct eval_value *id)
{
	struct eval_value v;

	reset(e);
	if (!eval_node(e, node, &v))
		return false;
	*id = v;
	return v.kind == EVAL_PACKAGE ? i < v.count && eval_element(e, v.n + i, id) : !i;
}

static void find_devices(struct search *s)
{
	const struct names *ns = s->eval.names;

	for (uint32_t i = 0; i < ns->count; i++) {
		const struct names_node *n = &ns->nodes[i];
		struct eval_value id;
		bool found = false;
		size_t k = 0;

		if ((memcmp(n->seg, "_HID", AML_SEG_SIZE) != 0 &&
		     memcmp(n->seg, "_CID", AML_SEG_SIZE) != 0) ||
		    ns->nodes[n->parent].op != AML_DEVICE)
			continue;
		for (; !found && get_id(&s->eval, i, k, &id); k++)
			found = id.kind == EVAL_STRING && is_id(id.text, true);
		s->unclear += !k && mentions_id(n->body);
		if (!found || n->parent == s->device)
			continue;
		s->device = n->parent;
		s->id = i;
		s->found++;
	}
}

/* Section 19.3.4: three letters of five bits and four digits, upper byte first. */
static void decode_eisa_id(uint64_t n, char *out, size_t size)
{
	uint32_t id = __builtin_bswap32((uint32_t)n);

	snprintf(out, size, "%c%c%c%04X", '@' + (id >> 26 & 31), '@' + (id >> 21 & 31),
		 '@' + (id >> 16 & 31), id & 0xffff);
}

/* Names the hypervisor whose device has such an ID; else its hardware ID says more. */
static void name_hypervisor(struct search *s, struct vmgenid *out)
{
	static const char *const known[][2] = {
		{ "QEMUVGID", "QEMU" },	     { "FCVMGID", "Firecracker" },
		{ "AMZN0000", "AWS Nitro" }, { "Hyper_V_Gen_Counter_V1", "Hyper-V" },
		{ "MSFT1002", "Hyper-V" },   { "Bhyve_V_Gen_Counter_V1", "bhyve" },
		{ "XEN0000", "Xen" },	     { "VMW0001", "VMware" },
	};
	static const char *const names[] = { "_HID", "_CID" };
	struct eval_value id;
	char text[sizeof(out->hypervisor)];

	for (size_t i = 0; i < 2; i++) {
		uint32_t node = names_child(s->eval.names, s->device, names[i]);

		for (size_t k = 0; node != NAMES_NONE && get_id(&s->eval, node, k, &id);
		     k++) {
			if (id.kind == EVAL_INTEGER)
				decode_eisa_id(id.n, text, sizeof(text));
			else
				snprintf(text, sizeof(text), "%.*s", (int)id.text.size,
					 (const char *)id.text.data);
			for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
				if (!strcasecmp(text, known[j][0])) {
					strcpy(out->hypervisor, known[j][1]);
					return;
				}
			for (char *c = text; *c; c++)
				if (*c < ' ' || *c > '~')
					*c = '?';
			if (i == 0 && k == 0)
				strcpy(out->hypervisor, text);
		}
	}
}

/* Returns why an object of the device cannot be relied upon; NULL if it can. */
static const char *find_objection(const struct names *ns, uint32_t i)
{
	for (; i != NAMES_ROOT; i = ns->nodes[i].parent) {
		if (ns->nodes[i].flags & NAMES_CONDITIONAL)
			return "it is declared under a condition";
		if (ns->nodes[i].op == AML_EXTERNAL || ns->nodes[i].op == AML_ALIAS)
			return "its parent is in no table";
	}
	return NULL;
}

/* The same for the device. */
static const char *find_objections(const struct search *s, uint32_t addr)
{
	const struct names_node *nodes = s->eval.names->nodes;
	const char *problem = find_objection(s->eval.names, s->id);

	if (nodes[s->device].flags & NAMES_TWICE)
		return "it is named more than once";
	if (problem)
		return problem;
	if (nodes[s->device].flags & NAMES_BROKEN)
		return "its declaration makes no sense";
	if (addr == NAMES_NONE || nodes[addr].op == AML_EXTERNAL)
		return "it has no ADDR";
	if (nodes[addr].flags & NAMES_TWICE)
		return "it has more than one ADDR";
	return find_objection(s->eval.names, addr);
}

/* True unless _STA says that the device is not there. What it says may be unknown. */
static bool is_present(struct eval *e, uint32_t sta, bool *known)
{
	struct eval_value v;

	*known = true;
	if (sta == NAMES_NONE)
		return true;
	*known = !(e->names->nodes[sta].flags & (NAMES_CONDITIONAL | NAMES_TWICE)) &&
		 eval_node(e, sta, &v) && v.kind == EVAL_INTEGER;
	return !*known || v.n & 1;
}

static bool eval_addr(struct eval *e, uint32_t addr, uint64_t *result)
{
	struct eval_value p, low, high;

	if (!eval_node(e, addr, &p))
		return false;
	if (p.kind != EVAL_PACKAGE || p.count != 2)
		return eval_fail(e, VMGENID_UNKNOWN_SHAPE,
				 "its ADDR is not a package of two");
	if (!eval_element(e, p.n, &low) || !eval_element(e, p.n + 1, &high))
		return false;
	if (low.kind != EVAL_INTEGER || high.kind != EVAL_INTEGER || high.n > UINT32_MAX)
		return eval_fail(e, VMGENID_UNKNOWN_SHAPE,
				 "its ADDR is not a package of two integers");
	*result = low.n | high.n << 32;
	if (!*result || low.n == UINT32_MAX || low.n == UINT64_MAX ||
	    (*result | PAGE_MASK) == UINT32_MAX || high.n == UINT32_MAX)
		return eval_fail(e, VMGENID_BAD_ADDRESS,
				 "the address has not been filled in: %#llx",
				 (unsigned long long)*result);
	return true;
}

/* Evaluates the device, which is the only one. */
static void eval_device(struct search *s, const struct bytes *codes, size_t count,
			const struct phys_mem *mem, struct vmgenid *out)
{
	struct names *ns = s->eval.names;
	uint32_t addr = names_child(ns, s->device, "ADDR");
	uint32_t sta = names_child(ns, s->device, "_STA");
	const char *problem = find_objections(s, addr);
	uint64_t first = 0, second = 0;
	bool known;

	if (problem)
		return set(out, VMGENID_UNKNOWN_SHAPE, "%s", problem);
	name_hypervisor(s, out);
	ns->exclude[0] = addr;
	ns->exclude[1] = sta;
	names_walk(ns, codes, count, true);
	s->eval.mem = mem;
	reset(&s->eval);
	if (!is_present(&s->eval, sta, &known))
		return set(out, VMGENID_ABSENT, "its _STA says that it is not there");
	if (!known) { /* nor is what it stores */
		ns->exclude[1] = NAMES_NONE;
		names_walk(ns, codes, count, true);
		reset(&s->eval);
	}
	out->from[0] = '\0';
	if (!eval_addr(&s->eval, addr, &first) ||
	    (known && !is_present(&s->eval, sta, &known)) ||
	    !eval_addr(&s->eval, addr, &second))
		return;
	if (first != second)
		return set(out, VMGENID_UNKNOWN_SHAPE,
			   "its ADDR gives another value each time");
	set(out, VMGENID_FOUND, "%s", "");
	out->addr = first;
	if (!out->from[0])
		strcpy(out->from, "constant");
}

/* Finds the device in the code of all tables. */
static void search_tables(struct search *s, const struct bytes *codes, size_t count,
			  const struct phys_mem *mem, struct vmgenid *out)
{
	struct names *ns = s->eval.names;
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += codes[i].size;
	if (!names_init(ns, size) || !names_walk(ns, codes, count, false))
		return set(out, VMGENID_UNKNOWN_SHAPE,
			   "the ACPI tables need too much memory");
	for (size_t i = 0; i < ns->nr_doubts && i < NAMES_DOUBTS; i++)
		s->unclear += mentions_id(ns->doubts[i]);
	find_devices(s);
	memset(out, 0, sizeof(*out));
	if (!s->found)
		return set(out, VMGENID_UNKNOWN_SHAPE,
			   "it is named, but not as a device's ID");
	if (s->found > 1 || s->unclear)
		return set(out, VMGENID_UNKNOWN_SHAPE, "it is named more than once");
	eval_device(s, codes, count, mem, out);
}

void vmgenid_find(const struct bytes *files, size_t count, const struct phys_mem *mem,
		  struct vmgenid *out)
{
	_cleanup_(names_free) struct names names = { .count = 0 };
	struct search s = { .eval = { .names = &names, .out = out } };
	struct bytes codes[VMGENID_TABLES_MAX];
	const char *damage = NULL;
	bool named = false;
	size_t used = 0;

	memset(out, 0, sizeof(*out));
	if (count > VMGENID_TABLES_MAX)
		return set(out, VMGENID_UNKNOWN_SHAPE, "there are more than %d tables",
			   VMGENID_TABLES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *problem = aml_table(files[i], &codes[used]);

		if (problem) {
			damage = problem;
			s.unclear += mentions_id(files[i]);
			continue;
		}
		s.eval.narrow |= aml_is_narrow(files[i]);
		named |= mentions_id(codes[used++]);
	}
	if (named || s.unclear)
		search_tables(&s, codes, used, mem, out);
	else if (damage)
		set(out, VMGENID_UNKNOWN_SHAPE, "a table is %s", damage);
	else
		set(out, VMGENID_ABSENT, "no such device in the ACPI tables");
}
