/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * range.h - physical address ranges as values.
 *
 * A range is half open, [start, end), in bytes. A set of ranges is sorted, and its
 * members neither touch nor overlap.
 */
#ifndef KS_RANGE_H
#define KS_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t start;
	uint64_t end;
};

struct ranges {
	struct range *items; /* owned */
	size_t count;
	size_t capacity;
};

static inline uint64_t range_size(struct range r)
{
	return r.end - r.start;
}

/* Where to look for room. All in bytes; @align is a power of two. */
struct range_request {
	uint64_t size;
	uint64_t align;
	uint64_t min; /* the room starts here or higher */
	uint64_t max; /* and ends here or lower (exclusive end) */
};

/* Adds @r and merges it with what it touches. 0, -EINVAL (@r is reversed), -ENOMEM. */
int ranges_add(struct ranges *set, struct range r);

/* Takes @r out of every member. 0, -EINVAL or -ENOMEM. */
int ranges_remove(struct ranges *set, struct range r);

/* True when one member holds all of @r. An empty @r is held by nothing. */
bool ranges_contain(const struct ranges *set, struct range r);

/*
 * The highest room that satisfies @req, into @out; false when there is none (or when the
 * request cannot be satisfied by any set: size 0, an alignment that is no power of two).
 */
bool ranges_find_high(const struct ranges *set, const struct range_request *req,
		      struct range *out);

/* The same, from the bottom. */
bool ranges_find_low(const struct ranges *set, const struct range_request *req,
		     struct range *out);

/* The sum of all sizes. */
uint64_t ranges_total(const struct ranges *set);

/* A copy of @from in @to, which must be empty ({0}). 0 or -ENOMEM. */
int ranges_copy(struct ranges *to, const struct ranges *from);

/* Frees the members; the set is then empty and usable. */
void ranges_free(struct ranges *set);

#endif
