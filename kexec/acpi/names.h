/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - the ACPI namespace: what tables declare, and where code may change it.
 *
 * ACPI specification 6.5, section 5.3 (names and scopes), 19.6.30 (External).
 */
#ifndef KS_NAMES_H
#define KS_NAMES_H

#include "acpi/aml.h"

#define NAMES_MAX ((size_t)1 << 20) /* real machines have about 20000 */

enum names_flag {
	NAMES_CONDITIONAL = 1, /* declared under an If, Else or While */
	NAMES_TWICE = 2,       /* declared more than once */
	NAMES_HANDED = 4,      /* a method; others may change what it returns */
	NAMES_BUSY = 8,	       /* eval.c: its address is being evaluated */
};

struct names_node {
	uint8_t seg[AML_SEG_SIZE]; /* NAMES_UNPARSED: code that cannot be parsed */
	uint16_t op;	   /* of the term that declares it; AML_EXTERNAL: none does yet */
	uint8_t flags;	   /* enum names_flag */
	uint8_t arguments; /* of a method */
	struct names_node *parent; /* NULL: this is the root */
	struct names_node *next;   /* of the same hash */
	struct names_node *first;  /* for the hash that is this node's index */
	struct names_node *target; /* of an Alias; NULL: unknown, or not certain */
	struct bytes body; /* operands after its name; of a method or of what cannot
				      be parsed: code; of a field: its region's name */
	uint64_t start;	   /* of a field, in bits */
	uint64_t size;	   /* the same */
};

#define NAMES_UNPARSED "\0\0\0\0" /* no segment of a name */

struct names {
	struct names_node *nodes; /* owned; they do not move; [0] is the root */
	size_t count;
	size_t capacity;
	const struct bytes *codes; /* all tables */
	size_t nr_codes;
	/* methods whose code names_may_change() does not look at; NULL: none */
	const struct names_node *exclude[2];

	/* private */
	const struct names_node *suspect; /* NULL: the tables are loaded */
	bool changed;
	bool failed; /* out of memory, or too many names */
};

/*
 * Declares what the @count tables with the code @codes declare outside of methods; their
 * order does not matter. @codes must live as long as @ns. False if out of memory, or if
 * there are too many names. names_free() in any case.
 */
bool names_load(struct names *ns, const struct bytes *codes, size_t count);

/*
 * True if code of the tables stores into @node, the object of a Name, by any name, or makes
 * a reference to it, or mentions it and cannot be parsed.
 */
bool names_may_change(struct names *ns, const struct names_node *node);

/* Declares in @scope what the next term of @rest declares, as a method does when it runs. */
void names_declare(struct names *ns, struct bytes *rest, struct names_node *scope);

/* Forgets all objects from number @count on. */
void names_drop(struct names *ns, size_t count);

/* Returns what @name means in @scope, or NULL. Objects come before an External. */
struct names_node *names_find(struct names *ns, struct names_node *scope,
			      const struct aml_name *name);

/* Returns the object of @scope with the segment @seg, or NULL. */
struct names_node *names_child(const struct names *ns, const struct names_node *scope,
			       const void *seg);

/* Returns the full path of @node, or the end of it that fits, within @out. */
const char *names_path(const struct names_node *node, char *out, size_t size);

void names_free(struct names *ns);

#endif
