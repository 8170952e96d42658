// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/vmgenid_addr.h"

#include <stdio.h>
#include <string.h>

/* Real methods need one lookup; each walks all tables. */
#define LOOKUPS_MAX 4

/* The package that the method fills, in a local variable or under a name. */
struct package {
	bool there;
	struct bytes variable;
	bool known[2];
	uint64_t element[2];
};

struct method {
	const struct vmgenid_device *device;
	const struct bytes *codes;
	size_t count;
	unsigned int lookups;
	struct package package;
	struct vmgenid *out; /* gets the reason, if more specific than usual */
};

size_t vmgenid_occurrences(struct bytes in, struct bytes what)
{
	const uint8_t *p = in.data, *end = in.data + in.size;
	size_t count = 0;

	while ((p = memmem(p, (size_t)(end - p), what.data, what.size))) {
		count++;
		p++;
	}
	return count;
}

static bool same(struct bytes a, struct bytes b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool is_inside(struct bytes part, struct bytes whole)
{
	return part.data >= whole.data && part.data < whole.data + whole.size;
}

static bool fail(struct method *m, enum vmgenid_state state, struct bytes name,
		 const char *why)
{
	m->out->state = state;
	snprintf(m->out->why, sizeof(m->out->why), "%.*s, which ADDR needs, %s",
		 (int)name.size, (const char *)name.data, why);
	return false;
}

/* Finds Name(@name, integer) in @code; returns the number of matches. */
static size_t find_constants(struct bytes code, struct bytes name, struct aml_term *found,
			     uint64_t *value)
{
	struct aml_term t;
	size_t count = 0;

	while (aml_next(&code, &t)) {
		struct bytes body = t.body;
		uint64_t v;

		if (t.kind != AML_OBJECT || !same(t.last, name) ||
		    !aml_integer(&body, &v) || body.size)
			continue;
		*found = t;
		*value = v;
		count++;
	}
	return count;
}

/*
 * Looks up the constant @name. It must be unique in all tables, and nothing outside the
 * device may mention it: code that mentions it could change it.
 */
static bool look_up(struct method *m, struct bytes name, uint64_t *value)
{
	size_t found = 0, mentions = 0;
	struct aml_term where = { 0 };

	if (!name.size || ++m->lookups > LOOKUPS_MAX)
		return false;
	for (size_t i = 0; i < m->count; i++) {
		found += find_constants(m->codes[i], name, &where, value);
		mentions += vmgenid_occurrences(m->codes[i], name);
	}
	if (found != 1)
		return fail(m, VMGENID_UNKNOWN_SHAPE, name,
			    found ? "is there more than once" : "is no constant");
	mentions -= vmgenid_occurrences(m->device->body, name);
	if (mentions != !is_inside(where.last, m->device->body))
		return fail(m, VMGENID_UNKNOWN_SHAPE, name, "may change");
	return true;
}

static bool take_atom(struct method *m, struct bytes *code, uint64_t *value, bool *named,
		      struct bytes *name)
{
	bool plain;

	*named = false;
	if (aml_integer(code, value))
		return true;
	*named = true;
	return aml_name(code, name, &plain) && look_up(m, *name, value);
}

/* Takes the two operands of Add, without the target. */
static bool take_sum(struct method *m, struct bytes *code, uint64_t *value)
{
	bool named_a, named_b;
	struct bytes a_name, b_name;
	uint64_t a, b;

	if (!take_atom(m, code, &a, &named_a, &a_name) ||
	    !take_atom(m, code, &b, &named_b, &b_name))
		return false;
	if (named_a && !a)
		return fail(m, VMGENID_BAD_ADDRESS, a_name, "has not been filled in");
	if (named_b && !b)
		return fail(m, VMGENID_BAD_ADDRESS, b_name, "has not been filled in");
	return !__builtin_add_overflow(a, b, value);
}

static bool take_value(struct method *m, struct bytes *code, uint64_t *value)
{
	struct bytes ignored;
	bool named;

	if (aml_op(code, AML_ADD))
		return take_sum(m, code, value) && aml_op(code, AML_NULL_NAME);
	return take_atom(m, code, value, &named, &ignored);
}

/* Takes a Package(2) with up to two integers. */
static bool take_package(struct bytes *code, struct package *p)
{
	struct bytes elements;
	uint8_t count;

	if (!aml_package(code, &count, &elements) || count != 2)
		return false;
	p->there = true;
	for (size_t i = 0; i < 2 && elements.size; i++) {
		if (!aml_integer(&elements, &p->element[i]))
			return false;
		p->known[i] = true;
	}
	return !elements.size;
}

static bool take_local(struct bytes *code, struct bytes *variable)
{
	if (!code->size || code->data[0] < AML_LOCAL0 || code->data[0] > AML_LOCAL7)
		return false;
	*variable = (struct bytes){ code->data, 1 };
	return aml_op(code, code->data[0]);
}

/* Loads the device's Name(@name, Package() {...}), if only ADDR's code uses it. */
static bool load_package(struct method *m, struct bytes name)
{
	struct bytes body = m->device->body;
	struct aml_term t;

	if (vmgenid_occurrences(body, name) !=
	    vmgenid_occurrences(m->device->addr, name) + 1)
		return false;
	while (aml_next(&body, &t))
		if (t.kind == AML_OBJECT && same(t.name, name)) {
			m->package.variable = name;
			return take_package(&t.body, &m->package);
		}
	return false;
}

static bool take_variable(struct method *m, struct bytes *code)
{
	struct bytes variable;
	bool plain = true, local = take_local(code, &variable);

	if (!local && (!aml_name(code, &variable, &plain) || !plain))
		return false;
	if (m->package.there)
		return same(variable, m->package.variable);
	return !local && load_package(m, variable);
}

/* Stores @value to the target Index(package, 0 or 1). */
static bool put(struct method *m, struct bytes *code, uint64_t value)
{
	uint64_t i;

	if (!aml_op(code, AML_INDEX) || !take_variable(m, code) ||
	    !aml_integer(code, &i) || i > 1 || !aml_op(code, AML_NULL_NAME))
		return false;
	m->package.element[i] = value;
	m->package.known[i] = true;
	return true;
}

static bool take_declaration(struct method *m, struct bytes *code)
{
	bool plain;

	return !m->package.there && aml_name(code, &m->package.variable, &plain) &&
	       plain && take_package(code, &m->package);
}

static bool take_store(struct method *m, struct bytes *code)
{
	uint64_t value;

	if (code->size && code->data[0] == AML_PACKAGE)
		return !m->package.there && take_package(code, &m->package) &&
		       take_local(code, &m->package.variable);
	return take_value(m, code, &value) && put(m, code, value);
}

static bool take_result(struct method *m, struct bytes *code)
{
	if (code->size && code->data[0] == AML_PACKAGE)
		return !m->package.there && take_package(code, &m->package);
	return take_variable(m, code);
}

static bool run_method(struct method *m, struct bytes code)
{
	uint64_t value;

	while (code.size) {
		bool ok = false;

		if (aml_op(&code, AML_RETURN))
			return take_result(m, &code) && !code.size;
		if (aml_op(&code, AML_NAME))
			ok = take_declaration(m, &code);
		else if (aml_op(&code, AML_STORE))
			ok = take_store(m, &code);
		else if (aml_op(&code, AML_ADD))
			ok = take_sum(m, &code, &value) && put(m, &code, value);
		if (!ok)
			return false;
	}
	return false;
}

void vmgenid_addr(const struct vmgenid_device *d, const struct bytes *codes, size_t count,
		  struct vmgenid *out)
{
	struct method m = { .device = d, .codes = codes, .count = count, .out = out };
	struct bytes value = d->addr;
	bool ok;

	*out = (struct vmgenid){ .state = VMGENID_UNKNOWN_SHAPE };
	if (d->kind == AML_METHOD)
		ok = run_method(&m, d->addr);
	else
		ok = take_package(&value, &m.package) && !value.size;
	if (!ok && out->why[0])
		return;
	if (!ok || !m.package.known[0] || !m.package.known[1] ||
	    m.package.element[0] > UINT32_MAX || m.package.element[1] > UINT32_MAX) {
		snprintf(out->why, sizeof(out->why), "its ADDR is of an unknown kind");
		return;
	}
	out->state = VMGENID_FOUND;
	out->addr = m.package.element[1] << 32 | m.package.element[0];
}
