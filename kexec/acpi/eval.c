// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/eval.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096

static bool eval_term(struct eval *e, struct bytes *rest, struct eval_value *v);

bool eval_fail(struct eval *e, enum vmgenid_state state, const char *fmt, ...)
{
	va_list args;

	e->out->state = state;
	va_start(args, fmt);
	vsnprintf(e->out->why, sizeof(e->out->why), fmt, args);
	va_end(args);
	return false;
}

/* Where the code is malformed, functions just return false. */
bool eval_refuse(struct eval *e, uint32_t node, const char *why, const char *what)
{
	if (node == NAMES_ROOT)
		return eval_fail(e, VMGENID_UNKNOWN_SHAPE, "its ADDR %s%s", why, what);
	return eval_fail(e, VMGENID_UNKNOWN_SHAPE, "%.4s, which ADDR needs, %s%s",
			 (const char *)e->names->nodes[node].seg, why, what);
}

bool eval_refuse_op(struct eval *e, uint32_t node, const char *why, unsigned int op)
{
	char name[32];

	return eval_refuse(e, node, why, aml_op_name(op, name, sizeof(name)));
}

bool eval_give_integer(const struct eval *e, uint64_t n, struct eval_value *v)
{
	*v = (struct eval_value){ .kind = EVAL_INTEGER,
				  .n = e->narrow ? (uint32_t)n : n };
	return true;
}

bool eval_check_node(struct eval *e, uint32_t node)
{
	const struct names_node *n = &e->names->nodes[node];

	if (!e->mem)
		return true;
	if (n->flags & NAMES_TWICE)
		return eval_refuse(e, node, "is there more than once", "");
	if (n->flags & NAMES_CONDITIONAL)
		return eval_refuse(e, node, "is declared under a condition", "");
	if (n->op == AML_NAME &&
	    (n->flags & NAMES_STORED || names_doubtful(e->names, node)))
		return eval_refuse(e, node, "may change", "");
	return true;
}

/* Evaluates what lies outside of the method's flow, and does not see its variables. */
bool eval_at(struct eval *e, uint32_t scope, struct bytes *rest, struct eval_value *v)
{
	uint32_t saved = e->scope;
	bool ok;

	e->scope = scope;
	e->nesting++;
	ok = eval_term(e, rest, v);
	e->nesting--;
	e->scope = saved;
	return ok;
}

/* Elements that are names get their values when they are asked for. */
static bool eval_package(struct eval *e, struct bytes list, uint64_t count,
			 struct eval_value *v)
{
	struct eval_value *to = &e->elements[e->nr_elements];

	if (count > EVAL_ELEMENTS_MAX - e->nr_elements)
		return eval_refuse(e, NAMES_ROOT, "needs packages with too many elements",
				   "");
	*v = (struct eval_value){ EVAL_PACKAGE, .n = e->nr_elements, .count = count };
	memset(to, 0, count * sizeof(*to));
	e->nr_elements += count;
	for (; list.size; to++) {
		struct bytes start = list, body;
		struct aml_name name;
		unsigned int op;

		if (to == &e->elements[e->nr_elements] || !aml_op(&list, &op))
			return false;
		if (op == AML_NAMED) {
			*to = (struct eval_value){ EVAL_NAME, .text = start };
			to->node = e->scope;
			if (!aml_name(&list, &name))
				return false;
		} else if (op == AML_PACKAGE || op == AML_BUFFER) {
			if (!aml_body(&list, &body))
				return false;
		} else {
			list = start;
			if (!eval_at(e, e->scope, &list, to))
				return false;
		}
	}
	return true;
}

/* Returns the Name @node with its value, or NULL. */
static struct eval_object *use_object(struct eval *e, uint32_t node)
{
	const struct names_node *n = &e->names->nodes[node];
	struct bytes body = n->body;
	struct eval_object *o = e->objects;

	for (; o < e->objects + e->nr_objects; o++)
		if (o->node == node)
			return o;
	if (!eval_check_node(e, node))
		return NULL;
	if (e->nr_objects == EVAL_OBJECTS_MAX)
		return eval_refuse(e, node, "is one object too many", ""), NULL;
	*o = (struct eval_object){ .node = node };
	e->nr_objects++;
	return body.data[0] == AML_BUFFER || eval_at(e, n->parent, &body, &o->value)
		       ? o
		       : NULL;
}

/* Takes a name; NAMES_NONE if it means no object. */
static uint32_t take_node(struct eval *e, struct bytes *rest)
{
	struct aml_name name;
	uint32_t i;

	if (!aml_name(rest, &name) || !name.count)
		return NAMES_NONE;
	i = names_find(e->names, e->scope, &name);
	if (i != NAMES_NONE && e->names->nodes[i].op != AML_EXTERNAL)
		return i;
	eval_fail(e, VMGENID_UNKNOWN_SHAPE, "%.4s, which ADDR needs, is in no table",
		  (const char *)name.segs + (name.count - 1) * AML_SEG_SIZE);
	return NAMES_NONE;
}

static bool eval_name(struct eval *e, struct bytes *rest, struct eval_value *v)
{
	uint32_t i = take_node(e, rest);
	struct eval_object *o;

	if (i == NAMES_NONE)
		return false;
	if (e->names->nodes[i].op == AML_METHOD)
		return eval_refuse(e, i, "is another method", "");
	if (e->names->nodes[i].op != AML_NAME)
		return eval_field(e, i, v);
	o = use_object(e, i);
	if (!o)
		return false;
	if (o->value.kind == EVAL_NONE)
		return eval_refuse(e, i, "is neither number nor package", "");
	if (o->written && e->nesting) /* before or after? */
		return eval_refuse(e, i, "may change", "");
	*v = o->value;
	v->node = i;
	return true;
}

bool eval_element(struct eval *e, size_t i, struct eval_value *v)
{
	struct bytes name = e->elements[i].text;

	*v = e->elements[i];
	if (v->kind == EVAL_NONE)
		return eval_refuse(e, NAMES_ROOT, "needs an element that has no value",
				   "");
	return v->kind != EVAL_NAME || eval_at(e, v->node, &name, v);
}

/* Index: an element of a package, and no target. */
static bool take_element(struct eval *e, struct bytes *rest, size_t *i)
{
	struct eval_value package, index;
	unsigned int op;

	if (!eval_term(e, rest, &package) || !eval_term(e, rest, &index))
		return false;
	*i = package.n + index.n;
	if (package.kind != EVAL_PACKAGE || index.kind != EVAL_INTEGER ||
	    index.n >= package.count || !aml_op(rest, &op) || op != AML_ZERO)
		return eval_refuse(e, NAMES_ROOT, "needs an element that is not there",
				   "");
	return true;
}

/* Sets *@to to what the target stands for; NULL: nothing. */
static bool take_target(struct eval *e, struct bytes *rest, struct eval_value **to)
{
	struct eval_object *o;
	unsigned int op;
	uint32_t node;
	size_t i;

	*to = NULL;
	if (!aml_op(rest, &op))
		return false;
	if (op == AML_ZERO || op == AML_DEBUG)
		return true;
	if (op >= AML_LOCAL0 && op <= AML_LOCAL7) {
		*to = &e->locals[op - AML_LOCAL0];
		return true;
	}
	if (op == AML_INDEX) {
		if (!take_element(e, rest, &i))
			return false;
		*to = &e->elements[i];
		return true;
	}
	if (op != AML_NAMED)
		return eval_refuse_op(e, NAMES_ROOT, "writes to ", op);
	node = take_node(e, rest);
	if (node == NAMES_NONE)
		return false;
	if (e->names->nodes[node].op != AML_NAME)
		return eval_find_region(e, node) != NAMES_NONE &&
		       eval_refuse(e, node, "would be written", "");
	o = use_object(e, node);
	if (!o)
		return false;
	o->written = true;
	*to = &o->value;
	return true;
}

/* Packages are copied. An object keeps its kind; an element can only be an integer. */
static bool store(struct eval *e, struct eval_value *to, struct eval_value v)
{
	bool element = to >= e->elements && to < e->elements + EVAL_ELEMENTS_MAX;
	bool local = to >= e->locals && to < e->locals + 8;
	const struct eval_value *from = &e->elements[v.n % EVAL_ELEMENTS_MAX];

	if (!to)
		return true;
	if (!local && v.kind != (element ? EVAL_INTEGER : to->kind))
		return eval_refuse(e, NAMES_ROOT, "stores a value of another kind", "");
	if (v.kind == EVAL_PACKAGE) {
		if (!eval_package(e, (struct bytes){ NULL, 0 }, v.count, &v))
			return false;
		memcpy(&e->elements[v.n], from, v.count * sizeof(v));
	}
	*to = v;
	return true;
}

/* Section 19.6. */
static uint64_t calculate(const struct eval *e, unsigned int op, uint64_t a, uint64_t b)
{
	const uint64_t yes = UINT64_MAX, bits = e->narrow ? 32 : 64;
	const uint64_t results[64] = {
		[AML_ADD & 63] = a + b,
		[AML_SUBTRACT & 63] = a - b,
		[AML_INCREMENT & 63] = a + 1,
		[AML_DECREMENT & 63] = a - 1,
		[AML_MULTIPLY & 63] = a * b,
		[AML_SHIFT_LEFT & 63] = b < bits ? a << b : 0,
		[AML_SHIFT_RIGHT & 63] = b < bits ? a >> b : 0,
		[AML_AND & 63] = a & b,
		[AML_NAND & 63] = ~(a & b),
		[AML_OR & 63] = a | b,
		[AML_NOR & 63] = ~(a | b),
		[AML_XOR & 63] = a ^ b,
		[AML_NOT & 63] = ~a,
		[AML_LAND & 63] = a && b ? yes : 0,
		[AML_LOR & 63] = a || b ? yes : 0,
		[AML_LNOT & 63] = !a ? yes : 0,
		[AML_LEQUAL & 63] = a == b ? yes : 0,
		[AML_LGREATER & 63] = a > b ? yes : 0,
		[AML_LLESS & 63] = a < b ? yes : 0,
		[AML_TO_INTEGER & 63] = a,
	};

	return results[op & 63];
}

/* A placeholder plus an offset would pass for an address. */
static bool check_filled(struct eval *e, const struct eval_value *arg, uint64_t result)
{
	bool ones = arg->n == UINT32_MAX || arg->n == UINT64_MAX;

	if (!arg->node || !(ones || (!arg->n && result && result < PAGE)))
		return true;
	return eval_fail(e, VMGENID_BAD_ADDRESS,
			 "%.4s, which ADDR needs, has not been filled in",
			 (const char *)e->names->nodes[arg->node].seg);
}

static bool eval_operation(struct eval *e, unsigned int op, struct bytes *rest,
			   struct eval_value *v)
{
	/* from Store to XOr, from Not to LLess, ToInteger, CopyObject, Noop, BreakPoint */
	static const uint8_t known[] = "\x70\x72\x74\x75\x76\x77\x79\x7a\x7b\x7c\x7d\x7e"
				       "\x7f\x80\x90\x91\x92\x93\x94\x95\x99\x9d\xa3\xcc";
	struct eval_value arg[2] = { { .kind = EVAL_NONE } }, *to = NULL;
	size_t count = 0;

	if (op > 0xff || !memchr(known, (int)op, sizeof(known) - 1))
		return eval_refuse_op(e, NAMES_ROOT, "uses ", op);
	if (op == AML_INCREMENT ||
	    op == AML_DECREMENT) { /* the target is an operand, too */
		struct bytes again = *rest;

		if (!eval_term(e, &again, &arg[count++]))
			return false;
	}
	for (const char *k = aml_operands[op]; *k; k++)
		if (*k == 't' ? !eval_term(e, rest, &arg[count++])
			      : !take_target(e, rest, &to))
			return false;
	*v = arg[0];
	if (!count || op == AML_STORE || op == AML_COPY_OBJECT)
		return store(e, to, *v);
	for (size_t i = 0; i < count; i++)
		if (arg[i].kind != EVAL_INTEGER)
			return eval_refuse_op(e, NAMES_ROOT, "has no integers for ", op);
	eval_give_integer(e, calculate(e, op, arg[0].n, arg[1].n), v);
	if (op == AML_ADD || op == AML_OR || op == AML_SUBTRACT)
		if (!check_filled(e, &arg[0], v->n) || !check_filled(e, &arg[1], v->n))
			return false;
	return store(e, to, *v);
}

/* Each term within another one is a step: their number limits the recursion as well. */
static bool eval_term(struct eval *e, struct bytes *rest, struct eval_value *v)
{
	struct bytes body;
	unsigned int op;
	uint64_t n;
	size_t i;

	*v = (struct eval_value){ .kind = EVAL_STRING };
	if (aml_integer(rest, &n))
		return eval_give_integer(e, n, v);
	if (aml_string(rest, &v->text))
		return true;
	if (!aml_op(rest, &op))
		return false;
	if (op == AML_NAMED)
		return eval_name(e, rest, v);
	if (op >= AML_LOCAL0 && op <= AML_LOCAL7) {
		*v = e->locals[op - AML_LOCAL0];
		return (v->kind != EVAL_NONE && !e->nesting) ||
		       eval_refuse_op(e, NAMES_ROOT, "has no value for ", op);
	}
	if (++e->steps > EVAL_STEPS_MAX)
		return eval_refuse(e, NAMES_ROOT, "takes too many steps", "");
	if (op == AML_DEREF_OF)
		return aml_op(rest, &op) && op == AML_INDEX &&
		       take_element(e, rest, &i) && eval_element(e, i, v);
	if (op != AML_PACKAGE && op != AML_VAR_PACKAGE)
		return eval_operation(e, op, rest, v);
	if (!aml_body(rest, &body))
		return false;
	if (op == AML_PACKAGE)
		return aml_number(&body, 1, &n) && eval_package(e, body, n, v);
	return eval_term(e, &body, v) && v->kind == EVAL_INTEGER &&
	       eval_package(e, body, v->n, v);
}

enum flow { FLOW_FAILED, FLOW_NEXT, FLOW_RETURN };

static enum flow run_list(struct eval *e, struct bytes list, struct eval_value *v);

static enum flow run_if(struct eval *e, struct bytes *list, struct eval_value *v)
{
	struct bytes yes, no = { NULL, 0 }, rest;
	unsigned int op;

	if (!aml_body(list, &yes))
		return FLOW_FAILED;
	rest = *list;
	if (aml_op(&rest, &op) && op == AML_ELSE) {
		if (!aml_body(&rest, &no))
			return FLOW_FAILED;
		*list = rest;
	}
	if (++e->steps > EVAL_STEPS_MAX)
		return eval_refuse(e, NAMES_ROOT, "takes too many steps", ""),
		       FLOW_FAILED;
	if (!eval_term(e, &yes, v) || v->kind != EVAL_INTEGER)
		return FLOW_FAILED;
	return run_list(e, v->n ? yes : no, v);
}

static enum flow run_list(struct eval *e, struct bytes list, struct eval_value *v)
{
	while (list.size) {
		struct bytes rest = list;
		enum flow flow = FLOW_FAILED;
		unsigned int op;

		if (!aml_op(&rest, &op))
			return FLOW_FAILED;
		if (op == AML_RETURN)
			return eval_term(e, &rest, v) ? FLOW_RETURN : FLOW_FAILED;
		if (op == AML_IF) {
			flow = run_if(e, &rest, v);
			list = rest;
		} else if (op == AML_NAME || op == AML_REGION || op == AML_FIELD) {
			flow = names_declare(e->names, &list, e->scope);
		} else {
			flow = eval_term(e, &list, v);
		}
		if (flow != FLOW_NEXT)
			return flow;
	}
	return FLOW_NEXT;
}

bool eval_node(struct eval *e, uint32_t node, struct eval_value *result)
{
	const struct names_node *n = &e->names->nodes[node];
	size_t count = e->names->count;
	struct eval_object *o;
	enum flow flow;

	e->scope = node;
	e->steps = e->nesting = e->regions = 0;
	eval_refuse(e, NAMES_ROOT, "is of an unknown kind",
		    ""); /* unless there is a better reason */
	memset(e->locals, 0, sizeof(e->locals));
	if (n->op == AML_METHOD) {
		flow = run_list(e, n->body, result);
		names_drop(e->names, count);
		for (size_t i = 0; i < e->nr_objects; i++)
			if (e->objects[i].node >= count)
				e->objects[i].node = NAMES_NONE;
	} else {
		o = n->op == AML_NAME ? use_object(e, node) : NULL;
		flow = o ? FLOW_RETURN : FLOW_FAILED;
		if (o)
			*result = o->value;
	}
	if (flow == FLOW_NEXT)
		eval_refuse(e, NAMES_ROOT, "returns nothing", "");
	return flow == FLOW_RETURN;
}
