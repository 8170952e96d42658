/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * describe.h - prints a load: the system call, what follows from it for the seed, and the
 * plan. For --dry-run and --debug; kexec-seed-json(5) has the keys.
 */
#ifndef KS_DESCRIBE_H
#define KS_DESCRIBE_H

#include "load/request.h"

#include <stdio.h>

/* What is printed besides method, seed and plan. */
enum describe {
	DESCRIBE_DETAILS = 1,	/* files, digests, where the generation ID was found */
	DESCRIBE_BOOT_DATA = 2, /* the boot data, field by field */
};

/* Prints text to @to. @what: DESCRIBE_ flags. Call it after method_choose(). */
void load_describe(const struct load *l, unsigned int what, FILE *to);

/*
 * Prints one JSON object on standard output. 0 or a negative errno with the line;
 * -ENOTSUP without json-c.
 */
int load_report(const struct load *l, unsigned int what, struct error *err);

#endif
