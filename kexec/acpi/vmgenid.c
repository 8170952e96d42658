// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/vmgenid.h"

#include "acpi/eval.h"
#include "base/cleanup.h"

#include <string.h>

#define PAGE_MASK    ((uint64_t)0xfff)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const id_names[] = { "VM_Gen_Counter", "VMGENCTR" };

static void refuse(struct vmgenid *out, const char *why)
{
	eval_fail(out, VMGENID_UNKNOWN_SHAPE, "%s", why);
}

/* True if an ID, in any case, is at the start of @text, which ends with it if @whole. */
static bool is_id(struct bytes text, bool whole)
{
	for (size_t i = 0; i < COUNT(id_names); i++) {
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
	struct names_node *device;
	struct names_node *id; /* its _HID or _CID */
	size_t found;
	size_t unclear; /* _HID, _CID and code that mention an ID but are not understood */
};

/* Writes an ID in words to @out. */
static void print_id(const struct value *id, char *out, size_t size)
{
	uint32_t eisa = __builtin_bswap32((uint32_t)id->n);

	if (id->kind == EVAL_INTEGER) /* section 19.3.4: three letters, four digits */
		snprintf(out, size, "%c%c%c%04X", '@' + (eisa >> 26 & 31),
			 '@' + (eisa >> 21 & 31), '@' + (eisa >> 16 & 31), eisa & 0xffff);
	else
		snprintf(out, size, "%.*s", (int)id->text.size,
			 (const char *)id->text.data);
	for (; *out; out++)
		if (*out < ' ' || *out > '~')
			*out = '?';
}

/* Returns the hypervisor whose device has the ID @text, or NULL. */
static const char *find_hypervisor(const char *text)
{
	static const char *const known[][2] = {
		{ "QEMUVGID", "QEMU" },	     { "FCVMGID", "Firecracker" },
		{ "AMZN0000", "AWS Nitro" }, { "Hyper_V_Gen_Counter_V1", "Hyper-V" },
		{ "MSFT1002", "Hyper-V" },   { "Bhyve_V_Gen_Counter_V1", "bhyve" },
		{ "XEN0000", "Xen" },	     { "VMW0001", "VMware" },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (!strcasecmp(text, known[i][0]))
			return known[i][1];
	return NULL;
}

/* Looks at all IDs of @device: strings, or the numbers of EISA IDs. */
static void check_device(struct search *s, struct names_node *device, struct vmgenid *out)
{
	static const char *const names[] = { "_HID", "_CID" };
	char text[sizeof(out->hypervisor)], hid[sizeof(text)] = "";
	const char *hypervisor = NULL;
	struct names_node *match = NULL;

	for (size_t i = 0; i < COUNT(names); i++) {
		struct names_node *n = names_child(s->eval.names, device, names[i]);
		struct value v, *ids = &v;
		size_t count = 1;

		if (!n)
			continue;
		eval_reset(&s->eval);
		v = eval_node(&s->eval, n);
		s->unclear += v.kind == EVAL_NONE && mentions_id(n->body);
		if (v.kind == EVAL_PACKAGE) {
			ids = &s->eval.elements[v.n];
			count = v.count;
		}
		for (size_t k = 0; k < count; k++) {
			if (ids[k].kind == EVAL_STRING && is_id(ids[k].text, true))
				match = match ? match : n;
			print_id(&ids[k], text, sizeof(text));
			if (i + k == 0)
				strcpy(hid, text);
			if (!hypervisor)
				hypervisor = find_hypervisor(text);
		}
	}
	if (!match)
		return;
	s->device = device;
	s->id = match;
	s->found++;
	strcpy(out->hypervisor, hypervisor ? hypervisor : hid);
}

/* Returns why the device or its object ADDR cannot be relied upon; NULL if they can. */
static const char *find_objection(const struct search *s, const struct names_node *addr)
{
	if (s->device->flags & NAMES_TWICE)
		return "it is named more than once";
	for (const struct names_node *n = s->id; n; n = n->parent) {
		if (n->flags & NAMES_CONDITIONAL)
			return "it is declared under a condition";
		if (n->op == AML_EXTERNAL || n->op == AML_ALIAS)
			return "its parent is in no table";
	}
	if (names_child(s->eval.names, s->device, NAMES_UNPARSED))
		return "its declaration makes no sense";
	if (!addr || addr->op == AML_EXTERNAL)
		return "it has no ADDR";
	if (addr->flags & NAMES_TWICE)
		return "it has more than one ADDR";
	if (addr->flags & NAMES_CONDITIONAL)
		return "it is declared under a condition";
	return NULL;
}

static uint64_t eval_addr(struct eval *e, struct names_node *addr)
{
	struct value p = eval_node(e, addr), low, high;
	uint64_t result;

	if (p.kind != EVAL_PACKAGE || p.count != 2)
		return refuse(e->out, "its ADDR is not a package of two"), 0;
	low = e->elements[p.n];
	high = e->elements[p.n + 1];
	if (low.kind == EVAL_NONE || high.kind == EVAL_NONE)
		refuse(e->out, "its ADDR needs an element that has no value");
	if (low.kind != EVAL_INTEGER || high.kind != EVAL_INTEGER || high.n > UINT32_MAX)
		refuse(e->out, "its ADDR is not a package of two integers");
	result = low.n | high.n << 32;
	if (!result || low.n == UINT32_MAX || low.n == UINT64_MAX ||
	    (result | PAGE_MASK) == UINT32_MAX || high.n == UINT32_MAX)
		eval_fail(e->out, VMGENID_BAD_ADDRESS,
			  "the address has not been filled in: %#llx",
			  (unsigned long long)result);
	return result;
}

/* Evaluates the device, which is the only one: twice, as the kernel may have done. */
static void eval_device(struct search *s, const struct phys_mem *mem, struct vmgenid *out)
{
	struct names *ns = s->eval.names;
	struct names_node *addr = names_child(ns, s->device, "ADDR");
	struct names_node *sta = names_child(ns, s->device, "_STA");
	const char *problem = find_objection(s, addr);
	uint64_t results[2] = { 0, 0 };

	if (problem)
		return refuse(out, problem);
	s->eval.mem = mem;
	if (sta && sta->flags & (NAMES_CONDITIONAL | NAMES_TWICE))
		sta = NULL;
	ns->exclude[0] = addr;
	ns->exclude[1] = sta;
	for (size_t i = 0; i < 2 && !out->why[0]; i++) {
		struct value v = sta ? eval_node(&s->eval, sta) : (struct value){ 0 };

		if (v.kind == EVAL_INTEGER && !(v.n & 1))
			return eval_fail(out, VMGENID_ABSENT,
					 "its _STA says that it is not there");
		if (sta && v.kind != EVAL_INTEGER) { /* nor is it known what it stores */
			sta = NULL;
			ns->exclude[1] = NULL;
			eval_reset(&s->eval);
		}
		out->from[0] = '\0';
		results[i] = eval_addr(&s->eval, addr);
	}
	if (results[0] != results[1])
		refuse(out, "its ADDR gives another value each time");
	if (out->why[0])
		return;
	out->state = VMGENID_FOUND;
	out->addr = results[0];
	if (!out->from[0])
		strcpy(out->from, "constant");
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
		return eval_fail(out, VMGENID_UNKNOWN_SHAPE,
				 "there are more than %d tables", VMGENID_TABLES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *problem = aml_table(files[i], &codes[used], &s.eval.narrow);

		if (problem) {
			damage = problem;
			s.unclear += mentions_id(files[i]);
		} else {
			named |= mentions_id(codes[used++]);
		}
	}
	if (!named && !s.unclear && damage)
		return eval_fail(out, VMGENID_UNKNOWN_SHAPE, "a table is %s", damage);
	if (!named && !s.unclear)
		return eval_fail(out, VMGENID_ABSENT,
				 "no such device in the ACPI tables");
	if (!names_load(&names, codes, used))
		return refuse(out, "the ACPI tables need too much memory");
	for (struct names_node *n = names.nodes; n < names.nodes + names.count; n++)
		if (!n->seg[0])
			s.unclear += mentions_id(n->body);
		else if (n->op == AML_DEVICE)
			check_device(&s, n, out);
	eval_reset(&s.eval);
	if (!s.found)
		return refuse(out, "it is named, but not as a device's ID");
	if (s.found > 1 || s.unclear)
		return refuse(out, "it is named more than once");
	eval_device(&s, mem, out);
}
