// SPDX-License-Identifier: GPL-2.0-only
#include "plan/plan.h"

#include "base/units.h"
#include "digest.h"
#include "machine/e820.h"
#include "purgatory/arch/x86/pgtable.h"
#include "plan/crash.h"
#include "plan/elfcorehdr.h"
#include "plan/params_block.h"
#include "plan/place.h"
#include "purgatory/blob.h"
#include "seed_mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Real-mode memory: firmware data and the trampolines of both kernels live there. */
#define LOWEST_ADDR MIB

/* What lies below, the purgatory maps in any case; an old kernel cannot be above. */
#define LOW_LIMIT (4 * GIB)

/* A plan in the making: what goes in, and what is known so far. */
struct making {
	const struct facts *facts;
	const struct image *image;
	const struct plan_options *opts;
	struct plan *plan;
	struct placement where;
	struct params_input input;
	struct params_layout layout;
	char *crash_cmdline; /* owned */
};

const char *segment_name(enum purgatory_kind kind)
{
	switch (kind) {
	case PURGATORY_KIND_PURGATORY:
		return "purgatory";
	case PURGATORY_KIND_BOOT_DATA:
		return "boot_params";
	case PURGATORY_KIND_SEED:
		return "seed";
	case PURGATORY_KIND_KERNEL:
		return "kernel";
	case PURGATORY_KIND_INITRD:
		return "initrd";
	case PURGATORY_KIND_ELFCOREHDR:
		return "elfcorehdr";
	case PURGATORY_KIND_IMAGE_ID:
		return "tag";
	}
	return "unknown";
}

const struct segment *plan_find(const struct plan *plan, enum purgatory_kind kind)
{
	for (size_t i = 0; i < plan->nr_segments; i++)
		if (plan->segments[i].kind == kind)
			return &plan->segments[i];
	return NULL;
}

struct segment *plan_segment(struct plan *plan, enum purgatory_kind kind)
{
	return (struct segment *)plan_find(plan, kind);
}

static int place_kernel(struct plan *plan, struct placement *where,
			const struct image *image, const struct plan_options *opts,
			struct error *err)
{
	struct range_request kernel = { .size = image->mem_size,
					.align = image->align,
					.min = image->min_addr };
	struct range_request initrd = { .size = opts->initrd.size,
					.max = image->above_4g ? 0 : image->initrd_max };
	int ret;

	if (image->fixed &&
	    __builtin_add_overflow(image->min_addr, image->mem_size, &kernel.max))
		return error_set(err, ENOSPC, "there is no memory at 0x%llx",
				 (unsigned long long)image->min_addr);
	ret = place_segment(plan, where, PURGATORY_KIND_KERNEL, kernel, image->kernel,
			    err);
	if (ret || !opts->initrd.size)
		return ret;
	/* a small one would fit below the kernel, where control pages may come to lie */
	if (where->upwards)
		initrd.min = plan->segments[plan->nr_segments - 1].addr + image->mem_size;
	return place_segment(plan, where, PURGATORY_KIND_INITRD, initrd, opts->initrd,
			     err);
}

/* Fills in @map for what lies above the low 4 GiB. Returns 0 for anything else. */
static uint32_t add_map(struct purgatory_map *map, struct range r)
{
	if (r.end <= LOW_LIMIT)
		return 0;
	*map = (struct purgatory_map){ r.start, r.end };
	return 1;
}

/*
 * What the purgatory has to map above what it maps in any case: segments, except the
 * purgatory itself, and the VM generation ID. The parts of a crash image have no place yet
 * when this is asked, only a region. Returns how many ranges that is.
 */
static uint32_t high_maps(const struct plan *plan, const struct facts *facts,
			  const struct plan_options *opts,
			  struct purgatory_map maps[PLAN_MAX_SEGMENTS + 1])
{
	struct range id = { opts->generation_id,
			    opts->generation_id + VMGENID_SIZE };
	uint32_t nr = 0;

	for (size_t i = 0; !opts->dump && i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];

		if (s->kind != PURGATORY_KIND_PURGATORY)
			nr += add_map(&maps[nr],
				      (struct range){ s->addr, s->addr + s->mem_size });
	}
	if (opts->dump)
		nr += add_map(&maps[nr], facts->crash);
	return nr + add_map(&maps[nr], id);
}

static int place_purgatory(struct making *m, struct error *err)
{
	struct purgatory_map maps[PLAN_MAX_SEGMENTS + 1];
	uint32_t nr = high_maps(m->plan, m->facts, m->opts, maps);
	uint64_t code, pages = purgatory_pgt_pages(maps, nr);
	struct bytes blob = purgatory_blob();
	struct purgatory_params *params;
	int ret;

	if (!pages)
		return error_set(err, ENOSPC, "memory above 128 TiB cannot be used");
	code = page_up(((const struct purgatory_params *)blob.data)->mem_size);
	ret = place_block(m->plan, &m->where, PURGATORY_KIND_PURGATORY,
			  code + pages * PAGE, blob.size, &m->plan->purgatory_block, err);
	if (ret)
		return ret;
	memcpy(m->plan->purgatory_block, blob.data, blob.size);
	params = (void *)m->plan->purgatory_block;
	params->pgt_pool = plan_segment(m->plan, PURGATORY_KIND_PURGATORY)->addr + code;
	params->pgt_pages = pages;
	return 0;
}

static int place_params(struct making *m, struct error *err)
{
	int ret;

	ret = params_measure(m->facts, m->image, &m->input, &m->layout, err);
	if (ret)
		return ret;
	m->plan->params_size = m->layout.size;
	return place_block(m->plan, &m->where, PURGATORY_KIND_BOOT_DATA, m->layout.size,
			   m->layout.size, &m->plan->params_block, err);
}

/* A page of its own, so that nothing shares memory with it. */
static int place_seed(struct making *m, struct error *err)
{
	if (!m->opts->seed)
		return 0;
	return place_segment(m->plan, &m->where, PURGATORY_KIND_SEED,
			     (struct range_request){ .size = PAGE }, (struct bytes){ 0 },
			     err);
}

static int place_normal(struct making *m, struct error *err)
{
	int ret;

	ret = e820_copy(&m->plan->e820, &m->facts->e820);
	if (ret)
		return error_set(err, -ret, "out of memory");
	m->input = (struct params_input){ m->opts->command_line, &m->plan->e820,
					  m->opts->noefi };
	ret = place_kernel(m->plan, &m->where, m->image, m->opts, err);
	if (!ret)
		ret = place_params(m, err);
	if (!ret)
		ret = place_seed(m, err);
	return ret ? ret : place_purgatory(m, err);
}

static int place_elfcorehdr(struct making *m, struct error *err)
{
	struct plan *plan = m->plan;
	uint64_t mem_size;
	int ret;

	ret = elfcorehdr_make(m->facts, m->opts->dump, &plan->elfcorehdr_block,
			      &plan->elfcorehdr_size, err);
	if (ret)
		return ret;
	plan->hotplug = m->opts->hotplug && m->opts->dump->hotplug_size;
	mem_size = plan->elfcorehdr_size;
	if (plan->hotplug) /* room for all that the kernel may write */
		mem_size += m->opts->dump->hotplug_size;
	return place_segment(
		plan, &m->where, PURGATORY_KIND_ELFCOREHDR,
		(struct range_request){ .size = mem_size },
		(struct bytes){ plan->elfcorehdr_block, plan->elfcorehdr_size }, err);
}

/* What is known once the ELF core headers have their place. */
static int make_crash_input(struct making *m, struct error *err)
{
	const struct segment *hdr = plan_find(m->plan, PURGATORY_KIND_ELFCOREHDR);
	struct e820_map *map = &m->plan->e820;
	int ret;

	ret = crash_e820(m->facts, (struct range){ hdr->addr, hdr->addr + hdr->mem_size },
			 map, err);
	if (ret)
		return ret;
	m->crash_cmdline = crash_cmdline(hdr->addr, m->opts->command_line,
					 m->opts->memmap_cmdline ? map : NULL);
	if (!m->crash_cmdline)
		return error_set(err, ENOMEM, "out of memory");
	m->input = (struct params_input){ m->crash_cmdline, map, m->opts->noefi };
	return 0;
}

/* The lowest page of the region, where whoever else loads an image would destroy it. */
static int place_tag(struct making *m, struct error *err)
{
	uint64_t min = m->where.min;
	int ret;

	m->where.min = 0; /* whatever the user wants of the rest */
	ret = place_block(m->plan, &m->where, PURGATORY_KIND_IMAGE_ID, PAGE,
			  sizeof(*m->plan->tag), (uint8_t **)&m->plan->tag, err);
	m->where.min = min;
	if (ret)
		return ret;
	memcpy(m->plan->tag->magic, IMAGE_ID_MAGIC, sizeof(m->plan->tag->magic));
	memcpy(m->plan->tag->id, m->opts->image_id, sizeof(m->plan->tag->id));
	return 0;
}

/* What the kernel needs, above the tag. */
static int leave_hole(struct making *m, struct error *err)
{
	uint64_t size = crash_hole_size(&m->facts->iomem, m->facts->cpu.gbpages);
	uint64_t start = plan_find(m->plan, PURGATORY_KIND_IMAGE_ID)->addr + PAGE;

	m->plan->hole = (struct range){ start, start + size };
	if (ranges_remove(&m->where.room, m->plan->hole))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

/* From the bottom: [tag | hole | the rest of what a refresh replaces | kernel | initrd] */
static int place_crash(struct making *m, struct error *err)
{
	int ret;

	ret = place_tag(m, err);
	if (!ret)
		ret = leave_hole(m, err);
	if (!ret)
		ret = place_purgatory(m, err);
	if (!ret)
		ret = place_elfcorehdr(m, err);
	if (!ret)
		ret = make_crash_input(m, err);
	if (!ret)
		ret = place_params(m, err);
	if (!ret)
		ret = place_seed(m, err);
	return ret ? ret : place_kernel(m->plan, &m->where, m->image, m->opts, err);
}

static void fill_params(struct making *m)
{
	const struct segment *initrd = plan_find(m->plan, PURGATORY_KIND_INITRD);
	const struct segment *seed = plan_find(m->plan, PURGATORY_KIND_SEED);
	struct params_addresses at = {
		.block = plan_find(m->plan, PURGATORY_KIND_BOOT_DATA)->addr,
		.initrd = initrd ? initrd->addr : 0,
		.initrd_size = initrd ? m->opts->initrd.size : 0,
		.seed = seed ? seed->addr : 0,
	};

	m->plan->boot_params_addr = at.block;
	params_fill(m->plan, &m->layout, &at, m->facts, m->image, &m->input);
}

/* What the purgatory may ask the processor for, and what it shall mix into the seed. */
static void fill_mix(struct purgatory_params *p, const struct plan *plan,
		     const struct facts *facts, const struct plan_options *opts)
{
	p->digest_impl = facts->cpu.sha_ni ? DIGEST_CPU_SHA : DIGEST_PORTABLE;
	if (!opts->mix || !plan->has_seed)
		return;
	p->mix_target = plan_find(plan, PURGATORY_KIND_SEED)->addr;
	p->generation_id = opts->generation_id;
	p->mix_inputs = (facts->cpu.rdseed ? SEED_INPUT_RDSEED : 0) |
			(facts->cpu.rdrand ? SEED_INPUT_RDRAND : 0) |
			(facts->cpu.tsc ? SEED_INPUT_TSC : 0);
}

/*
 * What of a segment is checked: its content, of the seed's the whole page. Of the
 * purgatory only what follows its parameters, which have a digest of their own, because
 * they hold all the others.
 */
static struct purgatory_check check_for(const struct segment *s)
{
	struct purgatory_check c = { .addr = s->addr,
				     .size = s->content.size,
				     .kind = s->kind };

	if (s->kind == PURGATORY_KIND_SEED)
		c.size = s->mem_size;
	if (s->kind == PURGATORY_KIND_PURGATORY) {
		c.addr += sizeof(struct purgatory_params);
		c.size -= sizeof(struct purgatory_params);
	}
	return c;
}

/* The digests come later: load/seal.h. */
static void fill_checks(struct purgatory_params *p, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nr_segments; i++)
		if (plan->segments[i].kind != PURGATORY_KIND_ELFCOREHDR || !plan->hotplug)
			p->checks[p->nr_checks++] = check_for(&plan->segments[i]);
}

/* Tells the purgatory what to check, what to map and where to go. */
static void fill_purgatory(const struct making *m)
{
	const struct plan_options *opts = m->opts;
	struct plan *plan = m->plan;
	struct purgatory_params *p = (void *)plan->purgatory_block;
	uint64_t self = plan_find(plan, PURGATORY_KIND_PURGATORY)->addr;

	plan->entry = self + p->entry_offset;
	plan->kernel_entry =
		plan_find(plan, PURGATORY_KIND_KERNEL)->addr + m->image->entry_offset;
	p->kernel_entry = plan->kernel_entry;
	p->entry_mode = m->image->entry_32bit ? PURGATORY_ENTRY_32 : PURGATORY_ENTRY_64;
	p->boot_data = plan->boot_params_addr;
	p->on_corruption = opts->on_corruption;
	p->console = opts->console.flags;
	p->serial_port = opts->console.serial_port;
	p->serial_baud = opts->console.serial_baud;
	p->nr_maps = high_maps(plan, m->facts, opts, p->maps);
	fill_mix(p, plan, m->facts, opts);
	if (opts->verify)
		fill_checks(p, plan);
}

/* kexec_load() wants no more than half of all RAM: kernel/kexec_core.c. */
static int check_total(const struct plan *plan, const struct facts *facts,
		       struct error *err)
{
	uint64_t total = 0, half = ranges_total(&facts->ram) / 2;

	for (size_t i = 0; i < plan->nr_segments; i++)
		total += plan->segments[i].mem_size;
	if (total <= half)
		return 0;
	return error_set(err, ENOSPC,
			 "kernel and initrd need %llu MiB, more than half of the memory "
			 "(%llu MiB)",
			 (unsigned long long)(total / MIB),
			 (unsigned long long)(half / MIB));
}

static int check_entry_mode(const struct facts *facts, const struct image *image,
			    struct error *err)
{
	if (!facts->cpu.la57 || image->five_level || image->entry_32bit)
		return 0;
	return error_set(err, ENOEXEC,
			 "this kernel cannot be entered with 5-level paging, which the "
			 "running one uses; %sboot that one with no5lvl",
			 image->type == IMAGE_ELF ? "" : "use --entry-32bit, or ");
}

/* The room for a crash image: its region. */
static int crash_room(struct making *m, struct error *err)
{
	if (m->image->fixed)
		return error_set(err, ENOEXEC,
				 "this kernel cannot be moved from 0x%llx, and a crash "
				 "kernel has to be",
				 (unsigned long long)m->image->min_addr);
	if (!m->facts->iomem.count)
		return error_set(err, ENODATA,
				 "/proc/iomem hides its addresses (to root it does not)");
	if (!range_size(m->facts->crash))
		return error_set(err, ENODEV,
				 "no memory is reserved for a crash kernel: boot with "
				 "crashkernel=256M");
	m->where.upwards = true;
	if (ranges_add(&m->where.room, m->facts->crash))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int make(struct making *m, struct error *err)
{
	int ret;

	ret = check_entry_mode(m->facts, m->image, err);
	if (ret)
		return ret;
	if (m->opts->dump)
		ret = crash_room(m, err);
	else if (ranges_copy(&m->where.room, &m->facts->ram))
		ret = error_set(err, ENOMEM, "out of memory");
	if (!ret)
		ret = m->opts->dump ? place_crash(m, err) : place_normal(m, err);
	if (!ret)
		ret = check_total(m->plan, m->facts, err);
	if (ret)
		return ret;
	fill_params(m);
	fill_purgatory(m);
	return 0;
}

int plan_make(const struct facts *facts, const struct image *image,
	      const struct plan_options *opts, struct plan *out, struct error *err)
{
	struct making m = { .facts = facts,
			    .image = image,
			    .opts = opts,
			    .plan = out,
			    .where = { .min = opts->mem_min, .max = PGT_LIMIT } };
	int ret;

	*out = (struct plan){ 0 };
	if (m.where.min < LOWEST_ADDR)
		m.where.min = LOWEST_ADDR;
	if (opts->mem_max && opts->mem_max < PGT_LIMIT)
		m.where.max = opts->mem_max;
	if (!image->above_4g && m.where.max > LOW_LIMIT)
		m.where.max = LOW_LIMIT;
	ret = make(&m, err);
	ranges_free(&m.where.room);
	free(m.crash_cmdline);
	if (ret)
		plan_free(out);
	return ret;
}

void plan_free(struct plan *plan)
{
	free(plan->params_block);
	free(plan->purgatory_block);
	free(plan->tag);
	free(plan->elfcorehdr_block);
	e820_free(&plan->e820);
	*plan = (struct plan){ 0 };
}
