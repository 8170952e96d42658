// SPDX-License-Identifier: GPL-2.0-only
#include "plan/builder.h"

#include "base/units.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Allocates top-down, like the kernel for kexec_file_load(): low memory is scarce in the
 * new kernel. In a crash region bottom-up, again like the kernel.
 */
static bool find(const struct placement *where, const struct range_request *req,
		 struct range *found)
{
	return where->ascending ? ranges_find_low(&where->room, req, found)
				: ranges_find_high(&where->room, req, found);
}

/* The part of @r within the limits of @req; empty if there is none. */
static struct range clip(struct range r, const struct range_request *req)
{
	r.start = r.start < req->min ? req->min : r.start;
	r.end = r.end > req->max ? req->max : r.end;
	return r.start < r.end ? r : (struct range){ 0 };
}

/* A crash image is limited by its region, unless the user sets a lower limit. */
static int no_room(const struct plan_builder *b, enum segment_kind kind,
		   const struct range_request *req, uint64_t asked, struct error *err)
{
	const struct ranges *room = &b->where.room;
	uint64_t largest = 0;
	uint64_t end = room->count ? room->items[room->count - 1].end : 0;

	if (builder_is_crash(b) && req->max >= end)
		return error_set(
			err, ENOSPC,
			"no room for the %s: %llu KiB in the crash region, above "
			"0x%llx (a larger crashkernel= helps)",
			segment_name(kind), (unsigned long long)asked >> 10,
			(unsigned long long)req->min);
	for (size_t i = 0; i < room->count; i++) {
		struct range gap = clip(room->items[i], req);

		if (range_size(gap) > largest)
			largest = range_size(gap);
	}
	end = end < req->max ? end : req->max;
	return error_set(
		err, ENOSPC,
		"no room for the %s: %llu KiB; the largest gap between 0x%llx and "
		"0x%llx has %llu KiB",
		segment_name(kind), (unsigned long long)asked >> 10,
		(unsigned long long)req->min,
		(unsigned long long)builder_shown_end(b, end),
		(unsigned long long)largest >> 10);
}

int place_segment(struct plan_builder *b, enum segment_kind kind,
		  struct range_request req, struct bytes content, struct error *err)
{
	struct placement *where = &b->where;
	uint64_t asked = req.size;
	struct range found;
	int ret;

	req.size = align_up(req.size, where->page);
	req.align = req.align < where->page ? where->page : req.align;
	req.min = req.min < where->min ? where->min : req.min;
	req.max = req.max && req.max < where->max ? req.max : where->max;
	if (req.size < asked || !find(where, &req, &found))
		return no_room(b, kind, &req, asked, err);
	ret = ranges_remove(&where->room, found);
	if (ret)
		return error_set(err, -ret, "out of memory");
	b->plan->segments[b->plan->nr_segments++] = (struct segment){
		.kind = kind,
		.addr = found.start,
		.mem_size = req.size,
		.content = content,
	};
	return 0;
}

int place_block(struct plan_builder *b, enum segment_kind kind, uint64_t mem_size,
		size_t size, uint8_t **block, struct error *err)
{
	*block = calloc(1, size);
	if (!*block)
		return error_set(err, ENOMEM, "out of memory");
	return place_segment(b, kind, (struct range_request){ .size = mem_size },
			     (struct bytes){ *block, size }, err);
}
