/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chosen.h - the device tree for the next kernel: the running kernel's tree with another
 * /chosen node and other memory reservations, as kexec_file_load() makes it
 * (of_kexec_alloc_and_setup_fdt() of the kernel).
 */
#ifndef KS_DT_CHOSEN_H
#define KS_DT_CHOSEN_H

#include "arch/dt/tree.h"

/* Bytes of /chosen/kaslr-seed; those of /chosen/rng-seed are SEED_SIZE. */
#define DT_KASLR_SEED_SIZE 8

struct dt_next {
	const char *cmdline; /* NULL or empty: none */
	struct range initrd; /* exact bytes; empty: none */
	bool seed;	     /* reserve a zeroed value for rng-seed ... */
	bool kaslr_seed;     /* ... and for kaslr-seed */
	/* Crash kernel only: */
	struct range elfcorehdr;    /* empty: not a crash kernel */
	const struct range *usable; /* all the memory it may use, the main region first */
	size_t nr_usable;
};

/*
 * Makes the next kernel's tree from @from. Its size depends on the length of the command
 * line, whether there is an initrd, whether there is a seed and on the number of usable
 * ranges, not on addresses. 0; -EFBIG with the line: the tree would have more than
 * DT_SIZE_MAX bytes; -EBADMSG, also for an address that the root's cells cannot express;
 * -ENOMEM. On failure @out is empty.
 */
int dt_make_next(const struct dt *from, const struct dt_next *next, struct dt *out,
		 struct error *err);

/*
 * Finds a value of exactly @size bytes in /chosen of @tree, which may be any bytes.
 * Returns its offset from the start of the tree; 0: not there.
 */
size_t dt_chosen_value(struct bytes tree, const char *name, size_t size);

/*
 * Offset in @tree, made by dt_make_next(), of the command line: /chosen/bootargs, or a
 * NUL if there is none.
 */
size_t dt_chosen_cmdline(struct bytes tree);

#endif
