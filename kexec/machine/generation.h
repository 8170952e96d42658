/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * generation.h - what the hypervisor changes when it forks the machine: the VM generation
 * ID, and the VMClock's count of restores. Recorded at each load and refresh, they show
 * later whether the machine was forked since.
 */
#ifndef KS_GENERATION_H
#define KS_GENERATION_H

#include "seed_mix.h"

#include <stdbool.h>
#include <stdint.h>

struct generation {
	uint64_t addr; /* physical address of the VM generation ID; 0: unknown */
	bool has_id;
	bool has_count;
	uint8_t id[VMGENID_SIZE]; /* zero unless has_id */
	uint64_t count;		  /* zero unless has_count */
};

enum generation_change {
	GENERATION_UNKNOWN, /* nothing is known of both */
	GENERATION_SAME,
	GENERATION_CHANGED,
};

/* True if @addr can be read as the address of a VM generation ID. */
bool generation_is_addr(uint64_t addr);

/*
 * Reads both below @root. What cannot be read is left unknown: that is no error. @addr as
 * in the structure.
 */
void generation_read(const char *root, uint64_t addr, struct generation *out);

/* True if something could be read. */
static inline bool generation_is_known(const struct generation *g)
{
	return g->has_id || g->has_count;
}

/* One of the two is evidence enough; a change of either is a fork. */
enum generation_change generation_compare(const struct generation *then,
					  const struct generation *now);

#endif
