// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/eval.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096

static struct value eval_term(struct eval *e, struct bytes *rest, struct value **place);

static const struct value none;

void eval_fail(struct vmgenid *out, enum vmgenid_state state, const char *fmt, ...)
{
	va_list args;

	if (out->why[0])
		return;
	out->state = state;
	va_start(args, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, args);
	va_end(args);
}

bool eval_has_failed(const struct eval *e)
{
	return e->out->why[0];
}

/* Refuses the object with the segment @seg; NULL: ADDR itself. Returns no value. */
struct value eval_refuse(struct eval *e, const void *seg, const char *why,
			 const char *what)
{
	if (seg)
		eval_fail(e->out, VMGENID_UNKNOWN_SHAPE, "%.4s, which ADDR needs, %s%s",
			  (const char *)seg, why, what);
	else
		eval_fail(e->out, VMGENID_UNKNOWN_SHAPE, "its ADDR %s%s", why, what);
	return none;
}

/* If there is no better reason. */
static struct value refuse_malformed(struct eval *e)
{
	return eval_refuse(e, NULL, "is of an unknown kind", "");
}

struct value eval_integer(const struct eval *e, uint64_t n)
{
	return (struct value){ .kind = EVAL_INTEGER, .n = e->narrow ? (uint32_t)n : n };
}

/* Refuses an object that may differ from what the tables say, but not while IDs are read. */
void eval_check_object(struct eval *e, const struct names_node *n)
{
	if (!e->mem || eval_has_failed(e))
		return;
	if (n->flags & NAMES_TWICE)
		eval_refuse(e, n->seg, "is there more than once", "");
	else if (n->flags & NAMES_CONDITIONAL)
		eval_refuse(e, n->seg, "is declared under a condition", "");
	else if (n->op == AML_NAME && names_may_change(e->names, n))
		eval_refuse(e, n->seg, "may change", "");
}

/* Evaluates what lies outside of the method's flow, and does not see its variables. */
struct value eval_at(struct eval *e, struct names_node *scope, struct bytes *rest)
{
	struct names_node *saved = e->scope;
	struct value v;

	e->scope = scope;
	e->nesting++;
	v = eval_term(e, rest, NULL);
	e->nesting--;
	e->scope = saved;
	return v;
}

/* Returns a package of @count elements without values. */
static struct value make_package(struct eval *e, uint64_t count)
{
	struct value v = { EVAL_PACKAGE, .n = e->nr_elements, .count = count };

	if (count > EVAL_ELEMENTS_MAX - e->nr_elements)
		return eval_refuse(e, NULL, "needs packages with too many elements", "");
	memset(&e->elements[v.n], 0, count * sizeof(v));
	e->nr_elements += count;
	return v;
}

static struct value eval_package(struct eval *e, struct bytes list, uint64_t count)
{
	struct value v = make_package(e, count);

	for (size_t i = 0; i < v.count && list.size; i++)
		e->elements[v.n + i] = eval_at(e, e->scope, &list);
	return list.size || !list.data ? refuse_malformed(e) : v;
}

/* Returns the value of the Name @n, or NULL. */
static struct value *use_object(struct eval *e, const struct names_node *n)
{
	struct value *o = e->objects;
	struct bytes body = n->body;

	for (; o < e->objects + e->nr_objects; o++)
		if (o->node == n)
			return o;
	eval_check_object(e, n);
	if (e->nr_objects == EVAL_OBJECTS_MAX)
		eval_refuse(e, n->seg, "is one object too many", "");
	if (eval_has_failed(e))
		return NULL;
	*o = (struct value){ .node = n };
	e->nr_objects++;
	*o = eval_at(e, n->parent, &body);
	o->node = n;
	return o;
}

static struct value eval_name(struct eval *e, struct bytes *rest, struct value **place)
{
	struct aml_name name = aml_name(rest);
	struct names_node *n = names_find(e->names, e->scope, &name);
	struct value *o;

	if (!name.count)
		return refuse_malformed(e);
	if (!n || n->op == AML_EXTERNAL)
		return eval_refuse(e, name.segs + (name.count - 1) * AML_SEG_SIZE,
				   "is in no table", "");
	if (n->op == AML_METHOD)
		return eval_refuse(e, n->seg, "is another method", "");
	if (n->op != AML_NAME)
		return eval_field(e, n, place);
	o = use_object(e, n);
	if (!o)
		return none;
	if (o->kind == EVAL_NONE)
		return eval_refuse(e, n->seg, "is neither number nor package", "");
	o->written |= place != NULL;
	o->fixed |= e->nesting > 0;
	if (o->written && o->fixed) /* before or after? */
		return eval_refuse(e, n->seg, "may change", "");
	if (place)
		*place = o;
	return *o;
}

static bool is_element(const struct eval *e, const struct value *v)
{
	return v >= e->elements && v < e->elements + EVAL_ELEMENTS_MAX;
}

/* Packages are copied. An object keeps its kind; an element can only be an integer. */
static void store(struct eval *e, struct value *to, struct value v)
{
	bool element = is_element(e, to);
	bool object = to >= e->objects && to < e->objects + EVAL_OBJECTS_MAX;
	uint64_t from = v.n;

	if (!to || eval_has_failed(e))
		return;
	if ((element && v.kind != EVAL_INTEGER) || (object && v.kind != to->kind))
		eval_refuse(e, NULL, "stores a value of another kind", "");
	if (v.kind == EVAL_PACKAGE) {
		v = make_package(e, v.count);
		memcpy(&e->elements[v.n], &e->elements[from], v.count * sizeof(v));
	}
	v.written = to->written;
	v.fixed = to->fixed;
	v.node = object ? to->node : v.node;
	*to = v;
}

/* Section 19.6. */
static uint64_t calculate(const struct eval *e, unsigned int op, uint64_t a, uint64_t b)
{
	const uint64_t bits = e->narrow ? 32 : 64;
	const uint64_t results[AML_TO_INTEGER + 1] = {
		[AML_ADD] = a + b,
		[AML_SUBTRACT] = a - b,
		[AML_INCREMENT] = a + 1,
		[AML_DECREMENT] = a - 1,
		[AML_MULTIPLY] = a * b,
		[AML_SHIFT_LEFT] = b < bits ? a << b : 0,
		[AML_SHIFT_RIGHT] = b < bits ? a >> b : 0,
		[AML_AND] = a & b,
		[AML_NAND] = ~(a & b),
		[AML_OR] = a | b,
		[AML_NOR] = ~(a | b),
		[AML_XOR] = a ^ b,
		[AML_NOT] = ~a,
		[AML_LAND] = -(uint64_t)(a && b),
		[AML_LOR] = -(uint64_t)(a || b),
		[AML_LNOT] = -(uint64_t)!a,
		[AML_LEQUAL] = -(uint64_t)(a == b),
		[AML_LGREATER] = -(uint64_t)(a > b),
		[AML_LLESS] = -(uint64_t)(a < b),
		[AML_TO_INTEGER] = a,
	};

	return results[op];
}

/* A placeholder plus an offset would pass for an address. */
static void check_filled(struct eval *e, const struct value *arg, uint64_t result)
{
	bool ones = arg->n == UINT32_MAX || arg->n == UINT64_MAX;

	if (arg->node && (ones || (!arg->n && result && result < PAGE)))
		eval_fail(e->out, VMGENID_BAD_ADDRESS,
			  "%.4s, which ADDR needs, has not been filled in",
			  (const char *)arg->node->seg);
}

/* Sets @place to that of an element. */
static struct value eval_index(struct eval *e, struct bytes *rest, struct value **place)
{
	struct value package = eval_term(e, rest, NULL);
	struct value index = eval_term(e, rest, NULL), *to = NULL;

	eval_term(e, rest, &to);
	if (to || package.kind != EVAL_PACKAGE || index.kind != EVAL_INTEGER ||
	    index.n >= package.count)
		return eval_refuse(e, NULL, "needs an element that is not there", "");
	*place = &e->elements[package.n + index.n];
	return **place;
}

static struct value eval_operation(struct eval *e, unsigned int op, struct bytes *rest)
{
	struct value arg[2] = { none, none }, v = none, *to = NULL;
	size_t count = 0;

	for (const char *k = aml_operands(op); *k != '+'; k++)
		if (*k == 't')
			arg[count++] = eval_term(e, rest, NULL);
		else
			v = eval_term(e, rest, &to);
	if (!count) /* Increment, Decrement, DerefOf */
		arg[count++] = v;
	v = arg[0];
	if (op == AML_DEREF_OF && !is_element(e, to))
		return eval_refuse(e, NULL, "uses ", "DerefOf of what is no element");
	if (op == AML_DEREF_OF && v.kind == EVAL_NONE)
		return eval_refuse(e, NULL, "needs an element that has no value", "");
	if (op >= AML_ADD && op <= AML_TO_INTEGER && op != AML_DEREF_OF) {
		for (size_t i = 0; i < count; i++)
			if (arg[i].kind != EVAL_INTEGER)
				return eval_refuse(e, NULL, "has no integers for ",
						   aml_op_name(op));
		v = eval_integer(e, calculate(e, op, arg[0].n, arg[1].n));
	}
	if (op == AML_ADD || op == AML_OR || op == AML_SUBTRACT) {
		check_filled(e, &arg[0], v.n);
		check_filled(e, &arg[1], v.n);
	}
	if (op != AML_DEREF_OF)
		store(e, to, v);
	return v;
}

static void count_step(struct eval *e)
{
	if (++e->steps > EVAL_STEPS_MAX)
		eval_refuse(e, NULL, "takes too many steps", "");
}

/*
 * Sets @place, of a target, to the object's value; NULL: nothing is to change. Each term
 * within another one is a step: their number limits the recursion as well.
 */
static struct value eval_term(struct eval *e, struct bytes *rest, struct value **place)
{
	struct value v = { .kind = EVAL_STRING };
	bool nothing = rest->size && !rest->data[0]; /* a target that is left out */
	struct bytes body;
	unsigned int op;
	uint64_t n = 0;

	if (aml_constant(rest, &n, &v.text)) {
		if (place && !nothing)
			return eval_refuse(e, NULL, "uses a constant as an object", "");
		return v.text.data ? v : eval_integer(e, n);
	}
	op = aml_op(rest);
	if (!rest->data || eval_has_failed(e))
		return refuse_malformed(e);
	if (op == AML_NAMED)
		return eval_name(e, rest, place);
	if (op >= AML_LOCAL0 && op <= AML_LOCAL7) {
		v = e->locals[op - AML_LOCAL0];
		if (place)
			*place = &e->locals[op - AML_LOCAL0];
		else if (v.kind == EVAL_NONE || e->nesting)
			return eval_refuse(e, NULL, "has no value for ", aml_op_name(op));
		return v;
	}
	count_step(e);
	if (place && op == AML_DEBUG)
		return none;
	if (place && op == AML_INDEX)
		return eval_index(e, rest, place);
	if (!place && (op == AML_PACKAGE || op == AML_VAR_PACKAGE || op == AML_BUFFER)) {
		body = aml_body(rest);
		if (op == AML_BUFFER)
			return none;
		n = op == AML_PACKAGE ? aml_number(&body, 1)
				      : eval_term(e, &body, NULL).n;
		return eval_package(e, body, n);
	}
	if (place || !strchr(aml_operands(op), '+'))
		return eval_refuse(e, NULL, "uses ", aml_op_name(op));
	return eval_operation(e, op, rest);
}

/* Returns what the method returns, if it does within @list. */
static struct value run_list(struct eval *e, struct bytes list)
{
	struct value v = none;
	bool otherwise = false; /* the last If was not taken */
	unsigned int op = 0, before;

	while (list.size && !e->returned && !eval_has_failed(e)) {
		struct bytes rest = list, body;

		before = op;
		op = aml_op(&rest);
		switch (op) {
		case AML_RETURN:
			v = eval_term(e, &rest, NULL);
			e->returned = true;
			break;
		case AML_IF:
			count_step(e);
			body = aml_body(&rest);
			v = eval_term(e, &body, NULL);
			if (v.kind != EVAL_INTEGER)
				refuse_malformed(e);
			otherwise = !v.n;
			if (v.n)
				v = run_list(e, body);
			break;
		case AML_ELSE:
			body = aml_body(&rest);
			if (before != AML_IF) /* interpreters differ */
				eval_refuse(e, NULL, "has no If before an Else", "");
			if (otherwise)
				v = run_list(e, body);
			break;
		case AML_NAME:
		case AML_REGION:
		case AML_FIELD:
			rest = list;
			names_declare(e->names, &rest, e->scope);
			break;
		default:
			rest = list;
			eval_term(e, &rest, NULL);
		}
		list = rest;
	}
	return list.data ? v : refuse_malformed(e);
}

struct value eval_node(struct eval *e, struct names_node *node)
{
	size_t count = e->names->count;
	struct value v = none;
	struct value *o;

	e->scope = node;
	e->returned = false;
	e->steps = e->nesting = e->regions = 0;
	memset(e->locals, 0, sizeof(e->locals));
	if (node->op == AML_METHOD) {
		v = run_list(e, node->body);
		if (!e->returned)
			eval_refuse(e, NULL, "returns nothing", "");
		names_drop(e->names, count);
		for (o = e->objects; o < e->objects + e->nr_objects; o++)
			if (o->node >= e->names->nodes + count)
				o->node = NULL;
	} else if (node->op == AML_NAME) {
		o = use_object(e, node);
		v = o ? *o : none;
	}
	if (v.kind == EVAL_NONE)
		refuse_malformed(e);
	return eval_has_failed(e) ? none : v;
}

void eval_reset(struct eval *e)
{
	e->nr_elements = e->nr_objects = 0;
	e->out->why[0] = e->out->from[0] = '\0';
}
