/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * place.h - room for one segment after the other.
 */
#ifndef KS_PLACE_H
#define KS_PLACE_H

#include "plan/plan.h"

/* What placement knows while it goes along: the room that is left. */
struct placement {
	struct ranges room; /* owned */
	uint64_t min;
	uint64_t max; /* exclusive */
	bool upwards; /* from the bottom, as in a crash region; else from the top */
};

/*
 * Adds a segment of that kind to the plan, where @req and @where agree. The size is
 * rounded up to whole pages. 0, -ENOSPC with what did not fit into what, or -ENOMEM.
 */
int place_segment(struct plan *plan, struct placement *where, enum purgatory_kind kind,
		  struct range_request req, struct bytes content, struct error *err);

/* The same for @size zeroed bytes that the plan owns, into *@block: @mem_size of memory. */
int place_block(struct plan *plan, struct placement *where, enum purgatory_kind kind,
		uint64_t mem_size, size_t size, uint8_t **block, struct error *err);

#endif
