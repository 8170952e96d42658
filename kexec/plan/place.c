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

/* Limits the initrd to what both of the windows that hold @kernel at either end span. */
static void limit_to_window(struct range_request *initrd, uint64_t window,
			    struct range kernel)
{
	uint64_t end = align_up(kernel.end, GIB);

	if (end > window)
		initrd->min = end - window;
	initrd->max = align_down(kernel.start, GIB) + window;
}

int place_kernel(struct plan_builder *b, struct error *err)
{
	const struct image *image = b->in->image;
	struct range_request kernel = { .size = image->align_offset + image->mem_size,
					.align = image->align,
					.min = image->min_addr };
	struct range_request initrd = { .size = b->in->initrd.size,
					.max = image->max_addr ? image->initrd_max : 0 };
	struct segment *at;
	int ret;

	if (image->low_end)
		kernel.max = image->low_end;
	if (image->fixed &&
	    __builtin_add_overflow(image->min_addr, image->mem_size, &kernel.max))
		return error_set(err, ENOSPC, "no memory at 0x%llx",
				 (unsigned long long)image->min_addr);
	b->where.ascending = builder_is_crash(b) || image->low_end;
	ret = place_segment(b, SEGMENT_KERNEL, kernel, image->kernel, err);
	b->where.ascending = builder_is_crash(b);
	if (ret)
		return ret;
	at = plan_segment(b->plan, SEGMENT_KERNEL);
	at->addr += image->align_offset;
	at->mem_size -= image->align_offset;
	if (!initrd.size)
		return 0;
	if (image->initrd_window)
		limit_to_window(&initrd, image->initrd_window, segment_range(at));
	/* a small initrd would fit below the kernel, among possible control pages */
	if (b->where.ascending)
		initrd.min = at->addr + image->mem_size;
	return place_segment(b, SEGMENT_INITRD, initrd, b->in->initrd, err);
}
