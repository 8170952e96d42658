// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX      64 /* nested terms; real code has about 20 */
#define ARGUMENTS_MASK 7  /* of a method's flags */
#define NODES_PER_HASH 4

/* Where a term is. */
struct place {
	uint32_t scope;
	unsigned int depth;
	bool conditional;
	bool in_method;
};

static bool walk_list(struct names *ns, struct bytes list, struct place at);
static bool walk_term(struct names *ns, struct bytes *rest, struct place at, char use);

/* Node 0 is in no list: 0 ends one. */
static uint32_t *bucket(const struct names *ns, uint32_t parent, const void *seg)
{
	uint32_t hash;

	memcpy(&hash, seg, sizeof(hash));
	hash = (hash ^ parent * 0x9e3779b1u) * 0x85ebca6bu;
	return &ns->first[(hash >> 7) & (ns->capacity / NODES_PER_HASH - 1)];
}

uint32_t names_child(const struct names *ns, uint32_t scope, const void *seg)
{
	uint32_t i = *bucket(ns, scope, seg);

	while (i && (ns->nodes[i].parent != scope ||
		     memcmp(ns->nodes[i].seg, seg, AML_SEG_SIZE) != 0))
		i = ns->nodes[i].next;
	return i ? i : NAMES_NONE;
}

/* Adds an object that no table declares yet. */
static uint32_t add_node(struct names *ns, uint32_t parent, const void *seg)
{
	uint32_t *first = bucket(ns, parent, seg), i = (uint32_t)ns->count;
	struct names_node *n = &ns->nodes[i];

	if (ns->count == ns->capacity) {
		ns->failed = true;
		return NAMES_NONE;
	}
	*n = (struct names_node){ .parent = parent, .next = *first, .op = AML_EXTERNAL };
	memcpy(n->seg, seg, AML_SEG_SIZE);
	*first = i;
	ns->count++;
	return i;
}

void names_drop(struct names *ns, size_t count)
{
	while (ns->count > count) {
		const struct names_node *n = &ns->nodes[--ns->count];

		*bucket(ns, n->parent, n->seg) = n->next;
	}
}

/* Finds an object on the one path that @name gives, or adds what is missing. */
static uint32_t find_exact(struct names *ns, uint32_t scope, const struct aml_name *name,
			   bool add)
{
	uint32_t i = name->root ? NAMES_ROOT : scope;

	for (size_t up = name->up; up > 0; up--) {
		if (i == NAMES_ROOT)
			return NAMES_NONE;
		i = ns->nodes[i].parent;
	}
	for (size_t k = 0; i != NAMES_NONE && k < name->count; k++) {
		const uint8_t *seg = name->segs + k * AML_SEG_SIZE;
		uint32_t child = names_child(ns, i, seg);

		i = child == NAMES_NONE && add ? add_node(ns, i, seg) : child;
	}
	return i;
}

/* Only a single segment without a prefix is looked for in all scopes around. */
uint32_t names_find(const struct names *ns, uint32_t scope, const struct aml_name *name)
{
	uint32_t i, external = NAMES_NONE;

	if (name->count != 1 || name->root || name->up)
		return find_exact((struct names *)ns, scope, name, false);
	for (;; scope = ns->nodes[scope].parent) {
		i = names_child(ns, scope, name->segs);
		if (i != NAMES_NONE && ns->nodes[i].op != AML_EXTERNAL)
			return i;
		if (external == NAMES_NONE)
			external = i;
		if (scope == NAMES_ROOT)
			return external;
	}
}

/* Returns the object; it takes what @as says unless it is declared already. */
static uint32_t declare(struct names *ns, const struct place *at,
			const struct aml_name *name, const struct names_node *as)
{
	uint32_t i = find_exact(ns, at->scope, name, true);
	struct names_node *n = &ns->nodes[i];

	if (i == NAMES_NONE || i == NAMES_ROOT)
		return NAMES_NONE;
	if (ns->marking && !at->in_method) /* for the second time */
		return i;
	if (n->op != AML_EXTERNAL || as->op == AML_EXTERNAL) {
		if (as->op != AML_EXTERNAL)
			n->flags |= NAMES_TWICE;
		else if (n->op == AML_EXTERNAL)
			n->arguments = as->arguments;
		return i;
	}
	n->op = as->op;
	n->flags |= at->conditional ? NAMES_CONDITIONAL : 0;
	n->arguments = as->arguments;
	n->body = as->body;
	n->start = as->start;
	n->size = as->size;
	return i;
}

static void add_doubt(struct names *ns, struct bytes code)
{
	if (ns->nr_doubts < NAMES_DOUBTS)
		ns->doubts[ns->nr_doubts] = code;
	if (ns->nr_doubts <= NAMES_DOUBTS)
		ns->nr_doubts++;
}

bool names_doubtful(const struct names *ns, uint32_t node)
{
	if (ns->nr_doubts > NAMES_DOUBTS)
		return true;
	for (size_t i = 0; i < ns->nr_doubts; i++)
		if (memmem(ns->doubts[i].data, ns->doubts[i].size, ns->nodes[node].seg,
			   AML_SEG_SIZE))
			return true;
	return false;
}

/* An object that code may change: itself, or what it is another name of. */
static void mark(struct names *ns, uint32_t i)
{
	for (int k = 0; k < DEPTH_MAX && i != NAMES_NONE; k++) {
		struct names_node *n = &ns->nodes[i];
		struct bytes source = n->body;
		struct aml_name name;

		n->flags |= NAMES_STORED;
		if (n->op == AML_METHOD) /* into what it returns */
			add_doubt(ns, n->body);
		if (n->op != AML_ALIAS || !aml_name(&source, &name))
			return;
		i = names_find(ns, n->parent, &name);
	}
}

static bool is_package(const struct names_node *n)
{
	return n->op == AML_NAME && n->body.size &&
	       (n->body.data[0] == AML_PACKAGE || n->body.data[0] == AML_VAR_PACKAGE);
}

/*
 * @use: an operand's letter in aml.h, or how a value is used: 'A' gives a package another
 * name (a method's argument), 'E' too (an element), 'I' changes a part of it, 'D' only
 * reads a part, 'V' is a region's operand, which may be declared later. A name where a
 * value is expected may call a method; without the method's declaration the end of the
 * arguments is unknown.
 */
static bool walk_name(struct names *ns, struct bytes *rest, struct place at, char use)
{
	struct aml_name name;
	uint32_t i;

	if (!aml_name(rest, &name))
		return false;
	i = names_find(ns, at.scope, &name);
	if (ns->marking && i != NAMES_NONE &&
	    (strchr("TRI", use) || (strchr("AE", use) && is_package(&ns->nodes[i]))))
		mark(ns, i);
	if (strchr("TRsE", use))
		return true;
	if (i == NAMES_NONE)
		return use == 'V';
	for (unsigned int n = ns->nodes[i].arguments; n > 0; n--)
		if (!walk_term(ns, rest, at, 'A'))
			return false;
	return true;
}

/* Section 20.2.5.2, FieldList: a gap (0), access (1, 3), a connection (2), or a field. */
static bool walk_fields(struct names *ns, struct bytes list, const struct place *at,
			struct names_node as)
{
	while (list.size) {
		uint8_t kind = list.data[0];
		struct aml_name name;
		uint64_t ignored;
		size_t size = 0;

		if (kind <= 3)
			aml_number(&list, 1, &ignored);
		else if (!aml_name(&list, &name))
			return false;
		if (kind == 1 || kind == 3) {
			if (!aml_number(&list, kind == 1 ? 2 : 3, &ignored))
				return false;
		} else if (kind == 2) {
			if (!walk_term(ns, &list, *at, 's'))
				return false;
		} else if (!aml_length(&list, &size)) {
			return false;
		}
		as.size = size;
		if (kind > 3 && declare(ns, at, &name, &as) == NAMES_NONE)
			return false;
		as.start += size;
	}
	return true;
}

/*
 * The list of terms in a block that declares @as, is a Scope, or a condition. A method's
 * code runs only when it is called; what it declares is then forgotten.
 */
static bool walk_block(struct names *ns, struct bytes list, struct place at,
		       const struct aml_name *name, const struct names_node *as)
{
	uint32_t scope = at.scope;
	size_t count;

	if (as->op == AML_IF || as->op == AML_ELSE || as->op == AML_WHILE)
		at.conditional = true;
	else if (as->op == AML_SCOPE)
		scope = names_find(ns, at.scope, name);
	else
		scope = declare(ns, &at, name, as);
	if (scope == NAMES_NONE && as->op == AML_SCOPE) /* declared later */
		scope = find_exact(ns, at.scope, name, true);
	if (scope == NAMES_NONE)
		return false;
	at.scope = scope;
	if (as->op != AML_METHOD)
		return walk_list(ns, list, at);
	at.in_method = true;
	if (ns->marking && scope != ns->exclude[0] && scope != ns->exclude[1]) {
		count = ns->count;
		walk_list(ns, list, at);
		names_drop(ns, count);
	}
	return true;
}

/* How the term @op uses its operand @letter, if it is itself used as @use. */
static char operand_use(unsigned int op, char letter, bool first, char use)
{
	if (op == AML_REGION)
		return 'V';
	if (letter != 't' || !first)
		return letter;
	if (op == AML_INDEX)
		return use == 'D' ? 't' : 'I';
	if (op == AML_DEREF_OF)
		return strchr("TRI", use) ? 'I' : 'D';
	return 't';
}

/* What a term declares takes its operands after the name; a field its region's name. */
static bool walk_operands(struct names *ns, struct bytes *rest, const struct place *at,
			  unsigned int op, char use)
{
	const char *letters = aml_operands[op];
	struct names_node as = { .op = (uint16_t)op };
	struct bytes block, other = { NULL, 0 }, *in = rest;
	struct aml_name name = { .count = 0 };
	uint64_t number = 0;

	for (const char *k = letters; *k; k++) {
		struct bytes before = *in;
		bool ok;

		switch (*k) {
		case 'p':
			ok = aml_body(rest, &block);
			in = &block;
			break;
		case 'n':
		case 'N':
			ok = aml_name(in, &name);
			if (!other.data)
				other = (struct bytes){ before.data,
							before.size - in->size };
			as.body = *in;
			break;
		case 'b':
		case 'w':
		case 'd':
			ok = aml_number(in, *k == 'b' ? 1 : *k == 'w' ? 2 : 4, &number);
			break;
		case 'l':
			as.arguments = number & ARGUMENTS_MASK;
			as.body = *in;
			return walk_block(ns, *in, *at, &name, &as);
		case 'f':
			as.body = other;
			return walk_fields(ns, *in, at, as);
		case 'e':
			while (in->size)
				if (!walk_term(ns, in, *at, 'E'))
					return false;
			return true;
		case 'x':
			return true;
		default:
			ok = walk_term(ns, in, *at,
				       operand_use(op, *k, k == letters, use));
		}
		if (!ok)
			return false;
	}
	if (!strchr(letters, 'N'))
		return true;
	as.body.size -= in->size;
	if (op == AML_ALIAS)
		as.body = other;
	if (op == AML_EXTERNAL)
		as.arguments = number & ARGUMENTS_MASK;
	return declare(ns, at, &name, &as) != NAMES_NONE;
}

static bool walk_term(struct names *ns, struct bytes *rest, struct place at, char use)
{
	struct bytes text;
	uint64_t number;
	unsigned int op;

	if (++at.depth > DEPTH_MAX || ns->failed)
		return false;
	if (aml_integer(rest, &number) || aml_string(rest, &text))
		return true;
	if (!aml_op(rest, &op))
		return false;
	return op == AML_NAMED ? walk_name(ns, rest, at, use)
			       : walk_operands(ns, rest, &at, op, use);
}

static bool walk_list(struct names *ns, struct bytes list, struct place at)
{
	while (list.size) {
		struct bytes from = list;

		if (!walk_term(ns, &list, at, 't')) {
			add_doubt(ns, from);
			ns->nodes[at.scope].flags |= NAMES_BROKEN;
			break;
		}
	}
	return true;
}

bool names_init(struct names *ns, size_t size)
{
	/* sections 5.3.1, 5.7; \\_OSI takes an argument */
	static const char names[][AML_SEG_SIZE + 1] = { "_OSI", "_GPE", "_PR_",
							"_SB_", "_SI_", "_TZ_",
							"_GL_", "_OS_", "_REV" };

	*ns = (struct names){ .count = 1, .exclude = { NAMES_NONE, NAMES_NONE } };
	for (ns->capacity = 1024; ns->capacity < size / AML_SEG_SIZE;)
		ns->capacity *= 2;
	if (ns->capacity > NAMES_MAX)
		ns->capacity = NAMES_MAX;
	ns->nodes = calloc(ns->capacity, sizeof(*ns->nodes));
	ns->first = calloc(ns->capacity / NODES_PER_HASH, sizeof(*ns->first));
	if (!ns->nodes || !ns->first)
		return false;
	ns->nodes[NAMES_ROOT].op = AML_SCOPE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ns->nodes[add_node(ns, NAMES_ROOT, names[i])].op = i < 1   ? AML_METHOD
								   : i < 6 ? AML_SCOPE
									   : AML_DEBUG;
	ns->nodes[1].arguments = 1;
	return true;
}

bool names_walk(struct names *ns, const struct bytes *codes, size_t count, bool marking)
{
	ns->marking = marking;
	ns->nr_doubts = 0;
	for (size_t i = 0; i < count; i++)
		walk_list(ns, codes[i], (struct place){ .scope = NAMES_ROOT });
	ns->marking = false;
	return !ns->failed;
}

bool names_declare(struct names *ns, struct bytes *rest, uint32_t scope)
{
	return walk_term(ns, rest, (struct place){ .scope = scope }, 't');
}

const char *names_path(const struct names *ns, uint32_t node, char *out, size_t size)
{
	char *at = out + size;

	*--at = '\0';
	for (; node != NAMES_ROOT && at - out > AML_SEG_SIZE + 1;
	     node = ns->nodes[node].parent) {
		size_t n = AML_SEG_SIZE;

		while (n > 1 && ns->nodes[node].seg[n - 1] == '_')
			n--;
		at -= n;
		memcpy(at, ns->nodes[node].seg, n);
		*--at = ns->nodes[node].parent == NAMES_ROOT ? '\\' : '.';
	}
	return at;
}

void names_free(struct names *ns)
{
	free(ns->nodes);
	free(ns->first);
	*ns = (struct names){ .count = 0 };
}
