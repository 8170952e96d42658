/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * builder.h - a plan under construction; shared by plan/ and arch/.
 */
#ifndef KS_BUILDER_H
#define KS_BUILDER_H

#include "plan/plan.h"

/* Memory still free while segments are placed one by one. */
struct placement {
	struct ranges room; /* owned */
	uint64_t min;
	uint64_t max;	/* exclusive */
	uint64_t page;	/* bytes */
	bool ascending; /* bottom-up, as in a crash region; otherwise top-down */
};

struct plan_builder {
	const struct plan_input *in;
	struct plan *plan;
	struct placement where;
	const char *cmdline; /* as passed to the next kernel; borrowed */
	char *crash_cmdline; /* owned: that of a crash kernel */
};

static inline bool builder_is_crash(const struct plan_builder *b)
{
	return b->in->crash;
}

/* True if the purgatory mixes the seed. */
static inline bool builder_mixes(const struct plan_builder *b)
{
	return b->in->seed && !b->in->request->mix_off;
}

/* The end of memory @end, for people: that of --mem-max= as it was given. */
static inline uint64_t builder_shown_end(const struct plan_builder *b, uint64_t end)
{
	return end && end == b->in->request->mem_max ? end - 1 : end;
}

/*
 * Adds a segment of @kind within both @req and b->where; its size is rounded up to whole
 * pages. 0; -ENOSPC with the line, which says where it does not fit; -ENOMEM.
 */
int place_segment(struct plan_builder *b, enum segment_kind kind,
		  struct range_request req, struct bytes content, struct error *err);

/*
 * Adds a segment of @mem_size bytes whose content is a new zeroed block of @size bytes,
 * returned in *@block and owned by the plan. Errors as place_segment().
 */
int place_block(struct plan_builder *b, enum segment_kind kind, uint64_t mem_size,
		size_t size, uint8_t **block, struct error *err);

/* Adds the segments of kernel and initrd. Errors as place_segment(). */
int place_kernel(struct plan_builder *b, struct error *err);

#endif
