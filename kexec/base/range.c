// SPDX-License-Identifier: GPL-2.0-only
#include "range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct ranges *set, size_t count)
{
	struct range *items;

	if (count <= set->capacity)
		return 0;
	items = reallocarray(set->items, count, 2 * sizeof(*items));
	if (!items)
		return -ENOMEM;
	set->items = items;
	set->capacity = 2 * count;
	return 0;
}

/* Replaces @drop members at index @at with the @count members of @with. */
static int splice(struct ranges *set, size_t at, size_t drop, const struct range *with,
		  size_t count)
{
	size_t tail = set->count - at - drop;
	int ret;

	ret = reserve(set, set->count - drop + count);
	if (ret)
		return ret;
	if (tail)
		memmove(set->items + at + count, set->items + at + drop,
			tail * sizeof(*set->items));
	if (count)
		memcpy(set->items + at, with, count * sizeof(*with));
	set->count = set->count - drop + count;
	return 0;
}

int ranges_add(struct ranges *set, struct range r)
{
	size_t first = 0, last;

	if (r.start > r.end)
		return -EINVAL;
	if (r.start == r.end)
		return 0;
	while (first < set->count && set->items[first].end < r.start)
		first++;
	for (last = first; last < set->count && set->items[last].start <= r.end; last++) {
		if (set->items[last].start < r.start)
			r.start = set->items[last].start;
		if (set->items[last].end > r.end)
			r.end = set->items[last].end;
	}
	return splice(set, first, last - first, &r, 1);
}

int ranges_remove(struct ranges *set, struct range r)
{
	struct range left[2];
	size_t first = 0, last, keep = 0;

	if (r.start > r.end)
		return -EINVAL;
	if (r.start == r.end)
		return 0;
	while (first < set->count && set->items[first].end <= r.start)
		first++;
	last = first;
	while (last < set->count && set->items[last].start < r.end)
		last++;
	if (first == last)
		return 0;
	if (set->items[first].start < r.start)
		left[keep++] = (struct range){ set->items[first].start, r.start };
	if (set->items[last - 1].end > r.end)
		left[keep++] = (struct range){ r.end, set->items[last - 1].end };
	return splice(set, first, last - first, left, keep);
}

bool ranges_contain(const struct ranges *set, struct range r)
{
	if (r.start >= r.end)
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].start <= r.start && r.end <= set->items[i].end)
			return true;
	return false;
}

/* Clips @r to the limits of @req. False if the rest is empty or too small. */
static bool clip(struct range r, const struct range_request *req, struct range *out)
{
	out->start = r.start > req->min ? r.start : req->min;
	out->end = r.end < req->max ? r.end : req->max;
	return out->start < out->end && range_size(*out) >= req->size;
}

/* Places @req at the upper or lower end of @room, which it may fill. */
static bool fit(struct range room, const struct range_request *req, bool high,
		struct range *out)
{
	uint64_t mask = ~(req->align - 1), start = (room.end - req->size) & mask;

	if (!high && __builtin_add_overflow(room.start, req->align - 1, &start))
		return false;
	start &= mask;
	*out = (struct range){ start, start + req->size };
	return start >= room.start && start <= room.end - req->size;
}

static bool find(const struct ranges *set, const struct range_request *req, bool high,
		 struct range *out)
{
	struct range room;

	if (!req->size || !req->align || req->align & (req->align - 1))
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (clip(set->items[high ? set->count - 1 - i : i], req, &room) &&
		    fit(room, req, high, out))
			return true;
	return false;
}

bool ranges_find_high(const struct ranges *set, const struct range_request *req,
		      struct range *out)
{
	return find(set, req, true, out);
}

bool ranges_find_low(const struct ranges *set, const struct range_request *req,
		     struct range *out)
{
	return find(set, req, false, out);
}

uint64_t ranges_total(const struct ranges *set)
{
	uint64_t total = 0;

	for (size_t i = 0; i < set->count; i++)
		total += range_size(set->items[i]);
	return total;
}

int ranges_copy(struct ranges *to, const struct ranges *from)
{
	return splice(to, 0, to->count, from->items, from->count);
}

void ranges_free(struct ranges *set)
{
	free(set->items);
	*set = (struct ranges){ 0 };
}
