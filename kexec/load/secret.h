/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * secret.h - memory for the one copy of a seed.
 *
 * Not swapped, not in a core dump, not in a child after fork(), and where the kernel has
 * memfd_secret(2) not even in the kernel's own map. Wiped when it is given back.
 */
#ifndef KS_SECRET_H
#define KS_SECRET_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct secret {
	uint8_t *data; /* page aligned, zeroed; NULL: none */
	size_t size;   /* whole pages */
};

/* 0 or a negative errno, with the way out when it is RLIMIT_MEMLOCK. */
int secret_map(size_t size, struct secret *out, struct error *err);

/* Wipes and unmaps; harmless on an empty one. */
void secret_wipe(struct secret *s);

/*
 * Wipes the part of the stack that functions called before may have used: @what remains
 * of a secret in saved registers and dead variables there.
 */
void secret_wipe_stack(void);

#endif
