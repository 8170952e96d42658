/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line of kexec(8).
 */
#ifndef KS_OPTIONS_H
#define KS_OPTIONS_H

#include "error.h"
#include "load_request.h"

#include <stddef.h>
#include <stdio.h>

struct options {
	/* Actions; as in kexec-tools, the last of -l, -e, -u and -f wins. */
	bool load;
	bool unload;
	bool exec;
	bool shutdown;
	bool status;
	bool crash_size; /* --print-ckr-size */
	bool help;
	bool version;
	bool sync;
	bool ifdown;
	/* Set if given anywhere on the command line. */
	bool normal; /* -l */
	bool no_sync;
	bool no_ifdown;

	bool reset_vga;		     /* has no effect but a note */
	bool json;		     /* --dry-run prints JSON */
	bool boot_data;		     /* --dry-run=boot-data */
	const char *method;	     /* the option that chose the system call; static */
	struct load_request request; /* its strings point into argv, or are one of: */
	char *initrds;		     /* owned: names from several --initrd; NULL: fewer */
	char *appended;		     /* owned: text from several --append; NULL: fewer */
};

/* An option. Parser, --help's test, manuals and completions derive from this table. */
struct option_row {
	const char *name;
	char letter;   /* 0: none */
	int has_value; /* as has_arg of getopt_long(3) */
	/*
	 * Why the option is refused; NULL: it is not. One with a setter is refused unless
	 * arch_takes_dtb.
	 */
	const char *refusal;
	/*
	 * Applies the option; @value is NULL if it has none. 0; 1: a question, which
	 * ends parsing; -EINVAL or -ENOTSUP with the line. NULL: accepted without effect,
	 * because it asks for the default.
	 */
	int (*set)(struct options *o, const struct option_row *row, const char *value,
		   struct error *err);
	size_t at; /* of what it sets in struct options, or its value: as set needs it */
};

/*
 * All options of kexec-tools 2.0.32 on this architecture, so that its abbreviations stay
 * unambiguous, plus our own. A row without a name ends the table.
 */
extern const struct option_row option_table[];

#define OPTIONS_MAX 96

/*
 * 0; -EINVAL with the line for wrong usage (exit status 2); -ENOTSUP with the reason for
 * a refused kexec-tools option; -ENOMEM. On success call options_free().
 */
int options_parse(int argc, char **argv, struct options *out, struct error *err);

void options_free(struct options *o);

void options_print_help(FILE *to);

#endif
