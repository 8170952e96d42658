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
};

struct value {
	enum eval_kind kind;
	uint64_t n;	   /* integer; number of the first element in eval->elements */
	size_t count;	   /* of a package's elements */
	struct bytes text; /* of a string */
	const struct names_node *node; /* object whose plain value this is, or NULL */
	bool written;		       /* an object: by ADDR */
	bool fixed; /* an object: what lies outside of the method was made from it */
};

struct eval {
	struct names *names;
	const struct phys_mem *mem; /* NULL: only IDs are looked for */
	bool narrow;		    /* integers have 32 bits */
	struct vmgenid *out;	    /* gets state, reason, origin and the words read */

	/* private; {0} */
	struct names_node *scope;
	bool returned; /* the method has come to its end */
	unsigned int steps, regions;
	unsigned int nesting; /* not 0: outside of the method's flow */
	struct value locals[8];
	struct value elements[EVAL_ELEMENTS_MAX];
	size_t nr_elements;
	struct value objects[EVAL_OBJECTS_MAX]; /* named objects in use */
	size_t nr_objects;
};

/*
 * Evaluates @node, a Name or a method without arguments. Objects keep the values that it
 * stores. EVAL_NONE, with state and reason in @e->out, if it is outside of the subset:
 * nothing more is then evaluated before eval_reset().
 */
struct value eval_node(struct eval *e, struct names_node *node);

/* Forgets all values, which are then no longer valid, and the reason. */
void eval_reset(struct eval *e);

/* Sets state and reason of @out, if there is no reason yet: the first one counts. */
void eval_fail(struct vmgenid *out, enum vmgenid_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool eval_has_failed(const struct eval *e);

/* Refuses the object with the segment @seg; NULL: ADDR itself. Returns no value. */
struct value eval_refuse(struct eval *e, const void *seg, const char *why,
			 const char *what);

/* Refuses an object that may differ from what the tables say, but not while IDs are read. */
void eval_check_object(struct eval *e, const struct names_node *n);

struct value eval_integer(const struct eval *e, uint64_t n);

/* Evaluates a term outside of the method's flow: it does not see local variables. */
struct value eval_at(struct eval *e, struct names_node *scope, struct bytes *rest);

/* Returns what the field @f has in memory now. Refuses @write. */
struct value eval_field(struct eval *e, const struct names_node *f, bool write);

#endif
