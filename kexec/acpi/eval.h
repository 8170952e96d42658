/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eval.h - evaluates an object of the ACPI namespace, in a subset of AML.
 *
 * ACPI specification 6.5, section 19.6. The subset: integers, packages and strings as
 * constants, Store, arithmetic, If, Return, local variables, and fields of SystemMemory.
 * Anything else is refused: a wrong address would make the purgatory read other memory.
 */
#ifndef KS_EVAL_H
#define KS_EVAL_H

#include "acpi/names.h"
#include "acpi/vmgenid.h"
#include "machine/phys_mem.h"

#define EVAL_STEPS_MAX	  256 /* operations per object; real methods have about 10 */
#define EVAL_NESTING_MAX  4   /* fields that give the base of another field's region */
#define EVAL_ELEMENTS_MAX 512 /* of all packages together */
#define EVAL_OBJECTS_MAX  32  /* named objects in use */

enum eval_kind {
	EVAL_NONE, /* no value yet, or one that is of no use here */
	EVAL_INTEGER,
	EVAL_STRING,
	EVAL_PACKAGE,
	EVAL_NAME, /* an element that stands for the value of a named object */
};

struct eval_value {
	enum eval_kind kind;
	uint64_t n;	   /* integer; number of the first element in eval->elements */
	size_t count;	   /* of a package's elements */
	struct bytes text; /* of a string; what starts with a name */
	uint32_t node;	   /* object whose plain value this is, or 0; a name's scope */
};

/* A named object that is in use. */
struct eval_object {
	uint32_t node;
	bool written;
	struct eval_value value;
};

struct eval {
	struct names *names;
	const struct phys_mem *mem; /* NULL: only IDs are looked for */
	bool narrow;		    /* integers have 32 bits */
	struct vmgenid *out;	    /* gets state, reason, origin and the words read */

	/* private; {0} */
	uint32_t scope;
	unsigned int steps, regions;
	unsigned int nesting; /* not 0: outside of the method's flow */
	struct eval_value locals[8];
	struct eval_value elements[EVAL_ELEMENTS_MAX];
	size_t nr_elements;
	struct eval_object objects[EVAL_OBJECTS_MAX];
	size_t nr_objects;
};

/*
 * Evaluates @node, a Name or a method without arguments, into @result, valid as long as
 * @e. Objects keep the values that it stores. False if it is outside of the subset.
 */
bool eval_node(struct eval *e, uint32_t node, struct eval_value *result);

/* Sets @v to the value of element @i of e->elements; else as eval_node(). */
bool eval_element(struct eval *e, size_t i, struct eval_value *v);

/* Each sets state and reason of @e->out, and returns false. @node: 0 is ADDR itself. */
bool eval_fail(struct eval *e, enum vmgenid_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool eval_refuse(struct eval *e, uint32_t node, const char *why, const char *what);
bool eval_refuse_op(struct eval *e, uint32_t node, const char *why, unsigned int op);

/* Refuses an object that may differ from what the tables say, but not while IDs are read. */
bool eval_check_node(struct eval *e, uint32_t node);

/* Evaluates a term outside of the method's flow: it does not see local variables. */
bool eval_at(struct eval *e, uint32_t scope, struct bytes *rest, struct eval_value *v);

bool eval_give_integer(const struct eval *e, uint64_t n, struct eval_value *v);

/* Returns the region of the field @node, or NAMES_NONE. Reads nothing. */
uint32_t eval_find_region(struct eval *e, uint32_t node);

/* Sets @v to what the field @node has in memory now. */
bool eval_field(struct eval *e, uint32_t node, struct eval_value *v);

#endif
