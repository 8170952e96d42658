// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/names.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX      64 /* nested terms; real code has about 20 */
#define ARGUMENTS_MASK 7  /* of a method's flags */

/* Where a term is. */
struct place {
	struct names_node *scope;
	unsigned int depth;
	bool conditional;
};

static void walk_list(struct names *ns, struct bytes list, struct place at);
static void walk_term(struct names *ns, struct bytes *rest, struct place at, char use);

static struct names_node **bucket(const struct names *ns, const struct names_node *parent,
				  const void *seg)
{
	uint32_t hash;

	memcpy(&hash, seg, sizeof(hash));
	hash = (hash ^ (uint32_t)(parent - ns->nodes) * 0x9e3779b1u) * 0x85ebca6bu;
	return &ns->nodes[(hash >> 7) % ns->capacity].first;
}

struct names_node *names_child(const struct names *ns, const struct names_node *scope,
			       const void *seg)
{
	struct names_node *n = *bucket(ns, scope, seg);

	while (n && (n->parent != scope || memcmp(n->seg, seg, AML_SEG_SIZE) != 0))
		n = n->next;
	return n;
}

/* Adds an object that no table declares yet. */
static struct names_node *add_node(struct names *ns, struct names_node *parent,
				   const void *seg)
{
	struct names_node **first = bucket(ns, parent, seg), *n = &ns->nodes[ns->count];

	ns->failed |= ns->count == ns->capacity;
	if (ns->failed)
		return NULL;
	*n = (struct names_node){
		.op = AML_EXTERNAL, .parent = parent, .next = *first, .first = n->first
	};
	memcpy(n->seg, seg, AML_SEG_SIZE);
	*first = n;
	ns->count++;
	return n;
}

void names_drop(struct names *ns, size_t count)
{
	while (ns->count > count) {
		const struct names_node *n = &ns->nodes[--ns->count];

		*bucket(ns, n->parent, n->seg) = n->next;
	}
}

/* Returns what the Alias @n is another name of, or NULL; of another object itself. */
static struct names_node *follow(struct names_node *n)
{
	return n && n->op == AML_ALIAS ? n->target : n;
}

/* Finds an object on the one path that @name gives, or adds what is missing. */
static struct names_node *find_exact(struct names *ns, struct names_node *scope,
				     const struct aml_name *name, bool add)
{
	struct names_node *n = name->root ? ns->nodes : scope, *child;

	for (size_t up = name->up; up > 0 && n; up--)
		n = n->parent;
	for (size_t k = 0; k < name->count && (n = follow(n)); k++) {
		child = names_child(ns, n, name->segs + k * AML_SEG_SIZE);
		if (!child && add)
			child = add_node(ns, n, name->segs + k * AML_SEG_SIZE);
		n = child;
	}
	return n;
}

/* Only a single segment without a prefix is looked for in all scopes around. */
struct names_node *names_find(struct names *ns, struct names_node *scope,
			      const struct aml_name *name)
{
	struct names_node *n, *external = NULL;

	if (name->count != 1 || name->root || name->up)
		return find_exact(ns, scope, name, false);
	for (; scope; scope = scope->parent) {
		n = names_child(ns, scope, name->segs);
		if (n && n->op != AML_EXTERNAL)
			return n;
		external = external ? external : n;
	}
	return external;
}

/* Returns the object; it takes what @as says unless it is declared already. */
static struct names_node *declare(struct names *ns, const struct place *at,
				  const struct aml_name *name,
				  const struct names_node *as)
{
	struct names_node *n = name->count ? find_exact(ns, at->scope, name, true) : NULL;

	if (!n)
		return NULL;
	if (n->op == AML_EXTERNAL) {
		n->op = as->op;
		n->arguments = as->arguments;
		n->target = as->target;
		n->body = as->body;
		n->start = as->start;
		n->size = as->size;
		if (at->conditional && as->op != AML_EXTERNAL)
			n->flags |= NAMES_CONDITIONAL;
	} else if (as->op != AML_EXTERNAL &&
		   (n->body.data != as->body.data || n->start != as->start)) {
		n->flags |= NAMES_TWICE;
	} else if (n->target != as->target) { /* depends on the order of tables */
		n->target = NULL;
	}
	return n;
}

/*
 * Notes that a term uses @n in a way by which the suspect may change: as a target or for a
 * reference, or a package by another name. So may what a method returns. NULL: unknown.
 */
static void note_use(struct names *ns, struct names_node *n, char use)
{
	uint8_t op = ns->suspect->body.data[0];
	bool package = op == AML_PACKAGE || op == AML_VAR_PACKAGE;

	if (!strchr(package ? "TRPE" : "TR", use))
		return;
	ns->changed |= !n || n == ns->suspect;
	if (n && n->op == AML_METHOD)
		n->flags |= NAMES_HANDED;
}

/*
 * @use: an operand's letter in aml.h, or how a value is used: 'P' gives a package another
 * name (a method's argument) or changes a part of it, 'E' is an element, 'D' only reads a
 * part. A name where a value is expected may call a method; without the method's
 * declaration the end of the arguments is unknown.
 */
static void walk_name(struct names *ns, struct bytes *rest, struct place at, char use)
{
	struct aml_name name = aml_name(rest);
	struct names_node *n = rest->data ? names_find(ns, at.scope, &name) : NULL;

	if (ns->suspect && n)
		note_use(ns, follow(n), use);
	n = follow(n);
	if (strchr("TRsE", use))
		return;
	if (!n && use != 'v')
		aml_break(rest);
	for (unsigned int k = n ? n->arguments : 0; k > 0; k--)
		walk_term(ns, rest, at, 'P');
}

/* Section 20.2.5.2, FieldList: a gap (0), access (1, 3), a connection (2), or a field. */
static void walk_fields(struct names *ns, struct bytes *list, const struct place *at,
			struct names_node as)
{
	while (list->data && list->size) {
		uint8_t kind = list->data[0];
		struct aml_name name = { .count = 0 };

		as.size = 0;
		if (kind > 3)
			name = aml_name(list);
		else
			aml_number(list, 1);
		if (kind == 2)
			walk_term(ns, list, *at, 's');
		else if (kind == 1 || kind == 3)
			aml_number(list, kind == 1 ? 2 : 3);
		else
			as.size = aml_length(list);
		if (kind > 3 && list->data && !declare(ns, at, &name, &as))
			aml_break(list);
		as.start += as.size;
	}
}

/*
 * The list of terms in a block that declares @as, is a Scope, or a condition. A method's
 * code, and what it declares, matters only while a suspect is looked for.
 */
static void walk_block(struct names *ns, struct bytes *list, struct place at,
		       const struct aml_name *name, const struct names_node *as)
{
	struct names_node *scope = at.scope;

	if (as->op == AML_IF || as->op == AML_ELSE || as->op == AML_WHILE)
		at.conditional = true;
	else if (as->op == AML_SCOPE)
		scope = names_find(ns, at.scope, name);
	else
		scope = declare(ns, &at, name, as);
	if (!scope && as->op == AML_SCOPE) /* declared later */
		scope = find_exact(ns, at.scope, name, true);
	at.scope = scope;
	if (!scope)
		aml_break(list);
	else if (as->op != AML_METHOD ||
		 (ns->suspect && scope != ns->exclude[0] && scope != ns->exclude[1]))
		walk_list(ns, *list, at);
}

/* How a term that is used as @use itself uses its operand @letter. */
static char operand_use(char letter, char use)
{
	if (letter == 'i')
		return use == 'D' ? 't' : 'P';
	if (letter == 'd')
		return strchr("TRP", use) ? 'P' : 'D';
	return letter;
}

static void walk_operands(struct names *ns, struct bytes *rest, const struct place *at,
			  unsigned int op, char use)
{
	const char *k = aml_operands(op);
	struct names_node as = { .op = (uint16_t)op };
	struct bytes block, *in = rest;
	struct aml_name name = { .count = 0 };
	bool declares = false;

	for (; in->data && *k != ' ' && *k != '+'; k++)
		switch (*k) {
		case 'p':
			block = aml_body(rest);
			in = &block;
			break;
		case 'n':
			as.body = *in;
			name = aml_name(in);
			break;
		case 'N':
			if (op == AML_ALIAS)
				as.target = follow(names_find(ns, at->scope, &name));
			name = aml_name(in);
			as.body = *in;
			declares = true;
			break;
		case '1':
		case '2':
		case '4':
			aml_number(in, (size_t)(*k - '0'));
			break;
		case 'a':
			as.arguments = aml_number(in, 1) & ARGUMENTS_MASK;
			break;
		case 'l':
			as.body = *in;
			declares = false;
			walk_block(ns, in, *at, &name, &as);
			break;
		case 'f':
			walk_fields(ns, in, at, as);
			break;
		case 'e':
			while (in->size)
				walk_term(ns, in, *at, 'E');
			break;
		default:
			walk_term(ns, in, *at, operand_use(*k, use));
		}
	as.body.size -= declares ? in->size : 0;
	if (!in->data || (declares && !declare(ns, at, &name, &as)))
		aml_break(rest);
}

static void walk_term(struct names *ns, struct bytes *rest, struct place at, char use)
{
	struct bytes text;
	uint64_t number;
	unsigned int op;

	if (++at.depth > DEPTH_MAX || ns->failed)
		aml_break(rest);
	if (aml_constant(rest, &number, &text))
		return;
	op = aml_op(rest);
	if (op == AML_NAMED)
		walk_name(ns, rest, at, use);
	else if (rest->data)
		walk_operands(ns, rest, &at, op, use);
}

static void walk_list(struct names *ns, struct bytes list, struct place at)
{
	while (list.size) {
		struct bytes from = list;
		struct names_node *n;

		walk_term(ns, &list, at, 't');
		n = list.data ? NULL : add_node(ns, at.scope, NAMES_UNPARSED);
		if (n)
			n->body = from;
	}
}

static void walk_tables(struct names *ns)
{
	for (size_t i = 0; i < ns->nr_codes; i++)
		walk_list(ns, ns->codes[i], (struct place){ .scope = ns->nodes });
}

bool names_load(struct names *ns, const struct bytes *codes, size_t count)
{
	/* sections 5.3.1, 5.7: scopes, as thermal zones; objects, as mutexes; \_OSI */
	static const char predefined[] =
		"[\x85\x05_GPE[\x85\x05_PR_[\x85\x05_SB_[\x85\x05_SI_"
		"[\x85\x05_TZ_[\x01_GL_\0[\x01_OS_\0[\x01_REV\0"
		"\x14\x06_OSI\x01";
	const struct bytes first = { (const uint8_t *)predefined,
				     sizeof(predefined) - 1 };
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += codes[i].size;
	size = 1024 + size / AML_SEG_SIZE;
	*ns = (struct names){ .count = 1, .codes = codes, .nr_codes = count };
	ns->capacity = size < NAMES_MAX ? size : NAMES_MAX;
	ns->nodes = calloc(ns->capacity, sizeof(*ns->nodes));
	if (!ns->nodes)
		return false;
	ns->nodes->op = AML_SCOPE;
	walk_list(ns, first, (struct place){ .scope = ns->nodes });
	walk_tables(ns);
	walk_tables(ns); /* for each Alias again, now with all objects */
	return !ns->failed;
}

bool names_may_change(struct names *ns, const struct names_node *node)
{
	size_t count = ns->count;

	ns->suspect = node;
	ns->changed = false;
	walk_tables(ns);
	ns->suspect = NULL;
	for (struct names_node *n = ns->nodes; n < ns->nodes + ns->count; n++) {
		bool used = n->flags & NAMES_HANDED || !n->seg[0];

		if (used && n->body.size &&
		    memmem(n->body.data, n->body.size, node->seg, AML_SEG_SIZE))
			ns->changed = true;
		n->flags &= (uint8_t)~NAMES_HANDED;
	}
	names_drop(ns, count);
	return ns->changed || ns->failed;
}

void names_declare(struct names *ns, struct bytes *rest, struct names_node *scope)
{
	walk_term(ns, rest, (struct place){ .scope = scope }, 't');
}

const char *names_path(const struct names_node *node, char *out, size_t size)
{
	char *at = out + size;

	*--at = '\0';
	for (; node->parent && at - out > AML_SEG_SIZE + 1; node = node->parent) {
		size_t n = AML_SEG_SIZE;

		while (n > 1 && node->seg[n - 1] == '_')
			n--;
		at -= n;
		memcpy(at, node->seg, n);
		*--at = node->parent->parent ? '.' : '\\';
	}
	return at;
}

void names_free(struct names *ns)
{
	free(ns->nodes);
	*ns = (struct names){ .count = 0 };
}
