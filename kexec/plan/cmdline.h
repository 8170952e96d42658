/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmdline.h - kernel command lines as text.
 *
 * White space separates words; a double quote makes white space part of a word; words
 * after "--" belong to init (Documentation/admin-guide/kernel-parameters.rst).
 */
#ifndef KS_CMDLINE_H
#define KS_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

/* When a word is not inherited. */
enum cmdline_when {
	DROP_ALWAYS,
	DROP_FOR_CRASH,	   /* by a crash kernel */
	DROP_FROM_CAPTURE, /* from a kernel that captures a dump: it has elfcorehdr= */
};

/* A word of the running kernel's command line that the next kernel does not inherit. */
struct cmdline_dropped {
	const char *name; /* with or without a value; NULL ends the table */
	enum cmdline_when when;
	const char *reason;
};

extern const struct cmdline_dropped cmdline_dropped[];

/*
 * Returns the part of @running, the running kernel's command line, that the next one
 * inherits. The caller frees it; NULL: out of memory.
 */
char *cmdline_inherit(const char *running, bool crash);

/*
 * Returns @text without the words @name and @name=VALUE. The caller frees it; NULL: out of
 * memory.
 */
char *cmdline_without(const char *text, const char *name);

/* True if @text has a word @name=VALUE for the kernel or init. */
bool cmdline_has(const char *text, const char *name);

/* True if the kernel's words in @text, those before "--", include @name or @name=VALUE. */
bool cmdline_sets(const char *text, const char *name);

/*
 * Appends @more to @base; either may be NULL. The kernel's words stay before "--". The
 * caller frees the result; NULL: out of memory.
 */
char *cmdline_append(const char *base, const char *more);

#define CONSOLE_NAME_SIZE 16

/*
 * Finds the kernel's next console= word at or after *@at and advances *@at past it. Stores
 * its device in @name, such as "ttyS0" for console=ttyS0,115200n8; longer names are
 * skipped. False: none left.
 */
bool cmdline_next_console(const char **at, char name[CONSOLE_NAME_SIZE]);

#endif
