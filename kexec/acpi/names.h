/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - the ACPI namespace: what tables declare, and where code may change it.
 *
 * ACPI specification 6.5, section 5.3 (names and scopes), 19.6.30 (External). Objects are
 * numbered: the numbers are indices into an array that does not move.
 */
#ifndef KS_NAMES_H
#define KS_NAMES_H

#include "acpi/aml.h"

#define NAMES_ROOT   0u
#define NAMES_NONE   UINT32_MAX
#define NAMES_MAX    ((size_t)1 << 20) /* real machines have about 20000 */
#define NAMES_DOUBTS 64

enum names_flag {
	NAMES_CONDITIONAL = 1, /* declared under an If, Else or While */
	NAMES_TWICE = 2,       /* declared more than once */
	NAMES_BROKEN = 4,      /* a scope, part of which cannot be parsed */
	NAMES_STORED = 8,      /* code other than that of names_exclude() may change it */
	NAMES_BUSY = 16,       /* eval.c: its address is being evaluated */
};

struct names_node {
	uint8_t seg[AML_SEG_SIZE];
	uint32_t parent;
	uint32_t next;	   /* of the same hash */
	uint16_t op;	   /* of the term that declares it; AML_EXTERNAL: none does yet */
	uint8_t flags;	   /* enum names_flag */
	uint8_t arguments; /* of a method */
	struct bytes body; /* operands after its name; of a method: code; of an alias
			      or a field: the name of its object, of its region */
	uint64_t start;	   /* of a field, in bits */
	uint64_t size;	   /* the same */
};

struct names {
	struct names_node *nodes; /* owned; [0] is the root */
	size_t count;
	size_t capacity; /* a power of two */
	uint32_t *first; /* owned; number of the first node for a hash; 0: none */
	/* methods whose code names_walk() does not mark; NAMES_NONE: none */
	uint32_t exclude[2];
	/* Code that cannot be parsed. If there are more parts, any object may change. */
	struct bytes doubts[NAMES_DOUBTS];
	size_t nr_doubts;
	bool marking; /* private */
	bool failed;  /* out of memory, or too many names */
};

/*
 * Sets @ns up for tables of @size bytes, with the names that ACPI predefines. False if out
 * of memory. names_free() in any case.
 */
bool names_init(struct names *ns, size_t size);

/*
 * Walks @codes, the code of all @count tables. First declares what they declare outside of
 * methods; the order does not matter. Once more with @marking, methods too: sets
 * NAMES_STORED on each object that they store into or make a reference to. False if @ns
 * failed.
 */
bool names_walk(struct names *ns, const struct bytes *codes, size_t count, bool marking);

/* Declares in @scope what the next term of @rest declares, as a method does when it runs. */
bool names_declare(struct names *ns, struct bytes *rest, uint32_t scope);

/* Forgets all objects from number @count on. */
void names_drop(struct names *ns, size_t count);

/* Returns what @name means in @scope, or NAMES_NONE. Objects come before an External. */
uint32_t names_find(const struct names *ns, uint32_t scope, const struct aml_name *name);

/* Returns the object of @scope with the segment @seg, or NAMES_NONE. */
uint32_t names_child(const struct names *ns, uint32_t scope, const void *seg);

/* True if code that cannot be parsed mentions the object @node. */
bool names_doubtful(const struct names *ns, uint32_t node);

/* Returns the full path of @node, or the end of it that fits, within @out. */
const char *names_path(const struct names *ns, uint32_t node, char *out, size_t size);

void names_free(struct names *ns);

#endif
