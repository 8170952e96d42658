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

/* True if @r contains all @size bytes from @addr. Cannot overflow. */
static inline bool range_holds(struct range r, uint64_t addr, uint64_t size)
{
	return addr >= r.start && addr <= r.end && size <= r.end - addr;
}

/* Constraints on a free range, in bytes. @align is a power of two. */
struct range_request {
	uint64_t size;
	uint64_t align;
	uint64_t min; /* lowest start */
	uint64_t max; /* highest end, exclusive */
};

/*
 * Adds @r and merges it with members that it touches or overlaps. 0; -EINVAL if @r is
 * reversed; -ENOMEM.
 */
int ranges_add(struct ranges *set, struct range r);

/* Removes @r from every member. 0; -EINVAL if @r is reversed; -ENOMEM. */
int ranges_remove(struct ranges *set, struct range r);

/* True if a single member contains all of @r. False for an empty @r. */
bool ranges_contain(const struct ranges *set, struct range r);

/*
 * Sets @out to the highest range of @req->size bytes that satisfies @req. False if no
 * member has one, if the size is 0 or if the alignment is not a power of two.
 */
bool ranges_find_high(const struct ranges *set, const struct range_request *req,
		      struct range *out);

/* As ranges_find_high(), but finds the lowest range. */
bool ranges_find_low(const struct ranges *set, const struct range_request *req,
		     struct range *out);

/* Returns the total size in bytes. */
uint64_t ranges_total(const struct ranges *set);

/* Copies @from to @to, which must be empty ({0}). 0 or -ENOMEM. */
int ranges_copy(struct ranges *to, const struct ranges *from);

/* Frees the members. The set is empty afterwards and can be used again. */
void ranges_free(struct ranges *set);

#endif
