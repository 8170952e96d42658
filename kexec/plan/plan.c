// SPDX-License-Identifier: GPL-2.0-only
#include "plan/plan.h"

#include "arch/arch.h"
#include "base/units.h"
#include "plan/builder.h"
#include "plan/crash.h"
#include "purgatory/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PURGATORY_MAX_MEMORY == IOMEM_KERNEL_RANGES, "copied one by one");

/*
 * The names are JSON values, and the purgatory codes are stored in recipes: both are
 * interfaces.
 */
static const struct {
	const char *name; /* NULL: the architecture's */
	uint32_t code;
} segment_kinds[SEGMENT_KINDS] = {
	[SEGMENT_PURGATORY] = { "purgatory", PURGATORY_KIND_PURGATORY },
	[SEGMENT_BOOT_DATA] = { NULL, PURGATORY_KIND_BOOT_DATA },
	[SEGMENT_SEED] = { "seed", PURGATORY_KIND_SEED },
	[SEGMENT_KERNEL] = { "kernel", PURGATORY_KIND_KERNEL },
	[SEGMENT_INITRD] = { "initrd", PURGATORY_KIND_INITRD },
	[SEGMENT_ELFCOREHDR] = { "elfcorehdr", PURGATORY_KIND_ELFCOREHDR },
	[SEGMENT_IMAGE_ID] = { "tag", PURGATORY_KIND_IMAGE_ID },
	[SEGMENT_IMAGE_ID_SECOND] = { "second tag", PURGATORY_KIND_IMAGE_ID_SECOND },
	[SEGMENT_IMAGE_ID_STATIC] = { "static tag", PURGATORY_KIND_IMAGE_ID_STATIC },
};

const char *segment_name(enum segment_kind kind)
{
	if ((unsigned int)kind >= SEGMENT_KINDS)
		return "unknown";
	return segment_kinds[kind].name ? segment_kinds[kind].name : arch_boot_data_name;
}

uint32_t segment_code(enum segment_kind kind)
{
	return segment_kinds[kind].code;
}

bool segment_from_code(uint32_t code, enum segment_kind *kind)
{
	for (unsigned int i = 0; i < SEGMENT_KINDS; i++)
		if (segment_kinds[i].code == code) {
			*kind = i;
			return true;
		}
	return false;
}

const struct segment *plan_find(const struct plan *plan, enum segment_kind kind)
{
	for (size_t i = 0; i < plan->nr_segments; i++)
		if (plan->segments[i].kind == kind)
			return &plan->segments[i];
	return NULL;
}

struct segment *plan_segment(struct plan *plan, enum segment_kind kind)
{
	return (struct segment *)plan_find(plan, kind);
}

uint64_t plan_seed_addr(const struct plan *plan)
{
	const struct segment *s = plan_find(plan, plan->seed_slot.segment);

	return plan->has_seed && s ? s->addr + plan->seed_slot.offset : 0;
}

uint64_t plan_kernel_memory(const struct purgatory_params *p)
{
	uint64_t total = 0;

	for (size_t i = 0; i < PURGATORY_MAX_MEMORY; i++)
		total += p->kernel_memory[i].end - p->kernel_memory[i].start;
	return total;
}

struct plan plan_refreshed(const struct plan *all)
{
	struct plan p = *all;

	p.nr_segments = 0;
	for (size_t i = 0; i < all->nr_segments; i++)
		if (segment_is_refreshed(all->segments[i].kind))
			p.segments[p.nr_segments++] = all->segments[i];
	return p;
}

/*
 * Places the code, followed by the pages for the purgatory's page tables. They are in the
 * block if arch_purgatory_fill() builds the tables.
 */
static int place_purgatory(struct plan_builder *b, struct error *err)
{
	struct bytes blob = purgatory_blob();
	struct purgatory_params *params;
	uint64_t code, size, pages;
	int ret = arch_purgatory_pages(b, &pages, err);

	if (ret)
		return ret;
	code = align_up(((const struct purgatory_params *)blob.data)->mem_size,
			b->where.page);
	size = code + pages * b->where.page;
	ret = place_block(b, SEGMENT_PURGATORY, size, arch_builds_map ? size : blob.size,
			  &b->plan->purgatory_block, err);
	if (ret)
		return ret;
	memcpy(b->plan->purgatory_block, blob.data, blob.size);
	params = (void *)b->plan->purgatory_block;
	params->map_pool = plan_find(b->plan, SEGMENT_PURGATORY)->addr + code;
	params->map_pages = pages;
	return 0;
}

static int place_boot_data(struct plan_builder *b, struct error *err)
{
	int ret = arch_boot_data_measure(b, err);

	return ret ? ret
		   : place_block(b, SEGMENT_BOOT_DATA, b->plan->boot_data_size,
				 b->plan->boot_data_size, &b->plan->boot_data, err);
}

/* The base seed shares its page with no other data. */
static int place_seed(struct plan_builder *b, struct error *err)
{
	b->plan->has_seed = b->in->seed;
	if (!b->in->seed)
		return 0;
	return place_segment(b, SEGMENT_SEED,
			     (struct range_request){ .size = b->where.page },
			     (struct bytes){ 0 }, err);
}

static int take_map(struct plan_builder *b, struct error *err)
{
	b->cmdline = b->in->cmdline;
	return arch_plan_memory(b, (struct range){ 0 }, err);
}

typedef int step(struct plan_builder *b, struct error *err);

static step *const normal_steps[] = { take_map,	  place_kernel,	   place_boot_data,
				      place_seed, place_purgatory, NULL };

/*
 * Bottom-up: [image ID | control-page reserve | refreshed segments | static image ID |
 * kernel | initrd]
 */
static step *const crash_steps[] = {
	place_image_id,	 reserve_control_pages,
	place_purgatory, place_elfcorehdr,
	take_elfcorehdr, place_boot_data,
	place_seed,	 place_static_id,
	place_kernel,	 NULL,
};

static int place_all(struct plan_builder *b, struct error *err)
{
	step *const *next = builder_is_crash(b) ? crash_steps : normal_steps;
	int ret = 0;

	while (!ret && *next)
		ret = (*next++)(b, err);
	return ret;
}

/*
 * Some kernels look for the boot data by content and take the first segment that begins
 * so. An initrd may, too. In a crash image only parts that we make come before it.
 */
static void list_boot_data_first(struct plan *plan)
{
	struct segment *s = plan_segment(plan, SEGMENT_BOOT_DATA);
	struct segment boot_data = *s;

	for (; s > plan->segments; s--)
		*s = s[-1];
	*s = boot_data;
}

/*
 * Returns the part of a segment that is verified: its content; of the seed the whole
 * page; of the purgatory the part after its parameters, whose own digest covers all the
 * others, up to its own state.
 */
static struct purgatory_check check_for(const struct purgatory_params *p,
					const struct segment *s)
{
	struct purgatory_check c = { .addr = s->addr,
				     .size = s->content.size,
				     .kind = segment_code(s->kind) };

	if (s->kind == SEGMENT_SEED)
		c.size = s->mem_size;
	if (s->kind == SEGMENT_PURGATORY) {
		c.addr += sizeof(*p);
		c.size = p->file_size - sizeof(*p);
	}
	return c;
}

/*
 * Not what the kernel may have updated, and not copies, which the purgatory has no use
 * for.
 */
static bool is_checked(const struct plan *plan, enum segment_kind kind)
{
	if (kind == SEGMENT_ELFCOREHDR)
		return !plan->hotplug;
	return !segment_is_image_id(kind) || kind == SEGMENT_IMAGE_ID;
}

/* Digests are filled in later: load/digests.h. */
static void fill_checks(struct purgatory_params *p, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nr_segments; i++)
		if (is_checked(plan, plan->segments[i].kind))
			p->checks[p->nr_checks++] = check_for(p, &plan->segments[i]);
	if (arch_builds_map)
		p->checks[p->nr_checks++] =
			(struct purgatory_check){ .addr = p->map_pool,
						  .size = p->map_pages * plan->page_size,
						  .kind = PURGATORY_KIND_PURGATORY };
}

static void fill_purgatory(const struct plan_builder *b)
{
	const struct load_request *request = b->in->request;
	const struct image *image = b->in->image;
	struct plan *plan = b->plan;
	struct purgatory_params *p = (void *)plan->purgatory_block;

	plan->entry = plan_find(plan, SEGMENT_PURGATORY)->addr + p->entry_offset;
	plan->kernel_entry = plan_find(plan, SEGMENT_KERNEL)->addr + image->entry_offset;
	p->kernel_entry = plan->kernel_entry;
	p->entry_mode = image->entry_mode;
	p->boot_data = plan->boot_data_addr;
	p->on_corruption = request->on_corruption;
	if (builder_mixes(b)) {
		p->generation_id = b->in->generation_id;
		for (size_t i = 0; i < PURGATORY_MAX_MEMORY; i++) {
			struct range r = b->in->machine->kernel_memory[i];

			p->kernel_memory[i] = (struct purgatory_map){ r.start, r.end };
		}
	}
	arch_purgatory_fill(b, p);
	if (!request->no_checks)
		fill_checks(p, plan);
}

uint64_t plan_total(const struct plan *plan)
{
	uint64_t total = 0;

	for (size_t i = 0; i < plan->nr_segments; i++)
		total += plan->segments[i].mem_size;
	return total;
}

/*
 * kexec_load() accepts at most half of the kernel's memory: kernel/kexec_core.c. Applied to
 * kernel and initrd before a gap is looked for, and to all segments once they are placed.
 */
static int check_total(const struct plan_builder *b, uint64_t total, struct error *err)
{
	uint64_t all =
		b->in->mem_total ? b->in->mem_total : ranges_total(&b->in->machine->ram);
	uint64_t half = all / 2;

	if (total <= half)
		return 0;
	return error_set(err, ENOSPC,
			 "kernel and initrd need %llu MiB, more than half of the memory "
			 "(%llu MiB)",
			 (unsigned long long)(total / MIB),
			 (unsigned long long)(half / MIB));
}

/*
 * A normal image takes all of RAM but the old kernel's data: the purgatory mixes that into
 * the seed after the segments have been put in place.
 */
static int take_all_ram(struct plan_builder *b, struct error *err)
{
	const uint64_t page = b->where.page;
	int ret = ranges_copy(&b->where.room, &b->in->machine->ram);

	for (size_t i = 0; !ret && builder_mixes(b) && i < PURGATORY_MAX_MEMORY; i++) {
		struct range r = b->in->machine->kernel_memory[i];

		r = (struct range){ align_down(r.start, page), align_up(r.end, page) };
		ret = ranges_remove(&b->where.room, r);
	}
	return ret ? error_set(err, -ret, "out of memory") : 0;
}

static int build(struct plan_builder *b, struct error *err)
{
	int ret = arch_check_image(b->in->machine, b->in->image, err);

	if (!ret)
		ret = arch_check_machine(b->in->machine, b->in->request, err);
	if (ret)
		return ret;
	ret = builder_is_crash(b) ? take_crash_region(b, err) : take_all_ram(b, err);
	if (!ret)
		ret = check_total(b, b->in->image->mem_size + b->in->initrd.size, err);
	if (!ret)
		ret = place_all(b, err);
	if (!ret)
		ret = check_total(b, plan_total(b->plan), err);
	if (ret)
		return ret;
	if (!builder_is_crash(b))
		list_boot_data_first(b->plan);
	b->plan->boot_data_addr = plan_find(b->plan, SEGMENT_BOOT_DATA)->addr;
	if (arch_boot_data_fill(b))
		return error_set(err, ENOMEM, "out of memory");
	fill_purgatory(b);
	return 0;
}

int plan_make(const struct plan_input *in, struct plan *out, struct error *err)
{
	const struct load_request *request = in->request;
	struct range limits = arch_placement(in->image);
	struct plan_builder b = { .in = in,
				  .plan = out,
				  .where = { .min = limits.start,
					     .max = limits.end,
					     .page = in->machine->page_size } };
	int ret;

	*out = (struct plan){ .page_size = in->machine->page_size };
	if (request->mem_min > b.where.min)
		b.where.min = request->mem_min;
	if (request->mem_max && request->mem_max < b.where.max)
		b.where.max = request->mem_max;
	ret = build(&b, err);
	ranges_free(&b.where.room);
	free(b.crash_cmdline);
	if (ret)
		plan_free(out);
	return ret;
}

void plan_free(struct plan *plan)
{
	free(plan->boot_data);
	free(plan->purgatory_block);
	free(plan->image_id);
	free(plan->elfcorehdr_block);
	memory_map_free(&plan->memory);
	*plan = (struct plan){ 0 };
}
