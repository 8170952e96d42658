// SPDX-License-Identifier: GPL-2.0-only
#include "plan/crash.h"

#include "arch/arch.h"
#include "plan/elfcorehdr.h"

#include <errno.h>
#include <string.h>

/* Limits a crash image to its region. */
int take_crash_region(struct plan_builder *b, struct error *err)
{
	const struct machine *m = b->in->machine;
	const struct image *image = b->in->image;
	uint64_t reach = b->where.max;

	if (image->low_end && image->low_end < reach)
		reach = image->low_end;
	if (image->fixed)
		return error_set(err, ENOEXEC,
				 "this kernel cannot be moved from 0x%llx, and a crash "
				 "kernel has to be",
				 (unsigned long long)image->min_addr);
	if (!m->iomem.count)
		return error_set(err, ENODATA,
				 "/proc/iomem hides its addresses (to root it does not)");
	if (!range_size(m->crash))
		return error_set(err, ENODEV,
				 "no memory is reserved for a crash kernel: boot with "
				 "crashkernel=256M");
	if (reach <= m->crash.start)
		return error_set(
			err, ENOSPC,
			"the crash region begins at 0x%llx, but %s ends at 0x%llx; "
			"reserve memory below (crashkernel=256M without ,high)",
			(unsigned long long)m->crash.start,
			reach == image->low_end || reach == image->max_addr
				? "what this kernel can reach"
				: "what --mem-max= allows",
			(unsigned long long)builder_shown_end(b, reach));
	b->where.ascending = true;
	if (ranges_add(&b->where.room, m->crash))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

int place_elfcorehdr(struct plan_builder *b, struct error *err)
{
	const struct crash_notes *crash = b->in->crash;
	struct plan *plan = b->plan;
	uint64_t mem_size;
	int ret;

	ret = elfcorehdr_make(b->in->machine, crash, &plan->elfcorehdr_block,
			      &plan->elfcorehdr_size, err);
	if (ret)
		return ret;
	plan->hotplug = b->in->request->hotplug && crash->hotplug_size;
	mem_size = plan->elfcorehdr_size;
	if (plan->hotplug) /* capacity for all headers that the kernel may write */
		mem_size += crash->hotplug_size;
	return place_segment(
		b, SEGMENT_ELFCOREHDR, (struct range_request){ .size = mem_size },
		(struct bytes){ plan->elfcorehdr_block, plan->elfcorehdr_size }, err);
}

/*
 * Sets memory map and command line, which depend on the address of the ELF core headers.
 */
int take_elfcorehdr(struct plan_builder *b, struct error *err)
{
	const struct segment *hdr = plan_find(b->plan, SEGMENT_ELFCOREHDR);
	int ret = arch_plan_memory(b, segment_range(hdr), err);

	if (ret)
		return ret;
	b->crash_cmdline = arch_crash_cmdline(b, hdr->addr);
	b->cmdline = b->crash_cmdline;
	return b->cmdline ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int place_id_copy(struct plan_builder *b, enum segment_kind kind,
			 struct error *err)
{
	struct bytes id = { (uint8_t *)b->plan->image_id, sizeof(*b->plan->image_id) };

	return place_segment(b, kind, (struct range_request){ .size = b->where.page }, id,
			     err);
}

/*
 * The image ID takes the region's lowest page or two, which any other load overwrites:
 * image_id.h.
 */
int place_image_id(struct plan_builder *b, struct error *err)
{
	struct plan *plan = b->plan;
	uint64_t min = b->where.min;
	int ret;

	b->where.min = 0; /* --mem-min applies to the other segments */
	ret = place_block(b, SEGMENT_IMAGE_ID, b->where.page, sizeof(*plan->image_id),
			  (uint8_t **)&plan->image_id, err);
	if (!ret && arch_spares_first_page)
		ret = place_id_copy(b, SEGMENT_IMAGE_ID_SECOND, err);
	b->where.min = min;
	if (ret)
		return ret;
	memcpy(plan->image_id->magic, IMAGE_ID_MAGIC, sizeof(plan->image_id->magic));
	memcpy(plan->image_id->id, b->in->image_id, sizeof(plan->image_id->id));
	return 0;
}

int place_static_id(struct plan_builder *b, struct error *err)
{
	return arch_may_hide_load ? place_id_copy(b, SEGMENT_IMAGE_ID_STATIC, err) : 0;
}

/* Above the image ID, the only segments so far. */
int reserve_control_pages(struct plan_builder *b, struct error *err)
{
	const struct machine *m = b->in->machine;
	uint64_t pages = arch_control_reserve(&m->iomem, m->large_pages);
	const struct plan *plan = b->plan;
	uint64_t start = segment_range(&plan->segments[plan->nr_segments - 1]).end;

	b->plan->control_reserve = (struct range){ start, start + pages * b->where.page };
	if (ranges_remove(&b->where.room, b->plan->control_reserve))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}
