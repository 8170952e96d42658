// SPDX-License-Identifier: GPL-2.0-only
#include "plan/plan.h"

#include "base/units.h"
#include "digest.h"
#include "pgtable.h"
#include "plan/params_block.h"
#include "purgatory/blob.h"
#include "seed_mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Real-mode memory: firmware data and the trampolines of both kernels live there. */
#define LOWEST_ADDR MIB

/* What lies below, the purgatory maps in any case; an old kernel cannot be above. */
#define LOW_LIMIT (4 * GIB)

/* What placement knows while it goes along: the room that is left. */
struct placement {
	struct ranges room;
	uint64_t min;
	uint64_t max; /* exclusive */
};

const char *segment_name(enum purgatory_kind kind)
{
	switch (kind) {
	case PURGATORY_KIND_PURGATORY:
		return "purgatory";
	case PURGATORY_KIND_BOOT_PARAMS:
		return "boot_params";
	case PURGATORY_KIND_SEED:
		return "seed";
	case PURGATORY_KIND_KERNEL:
		return "kernel";
	case PURGATORY_KIND_INITRD:
		return "initrd";
	case PURGATORY_KIND_ELFCOREHDR:
		return "elfcorehdr";
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

/*
 * Puts a segment as high as it can go, as the kernel does for kexec_file_load(): low
 * memory is what a new kernel is short of.
 */
static int place(struct plan *plan, struct placement *where, enum purgatory_kind kind,
		 struct range_request req, struct bytes content, struct error *err)
{
	uint64_t asked = req.size;
	struct range found;
	int ret;

	req.size = page_up(req.size);
	req.align = req.align < PAGE ? PAGE : req.align;
	req.min = req.min < where->min ? where->min : req.min;
	req.max = req.max && req.max < where->max ? req.max : where->max;
	if (req.size < asked || !ranges_find_high(&where->room, &req, &found))
		return error_set(err, ENOSPC,
				 "no room for the %s: %llu KiB between 0x%llx and 0x%llx",
				 segment_name(kind), (unsigned long long)asked >> 10,
				 (unsigned long long)req.min,
				 (unsigned long long)req.max);
	ret = ranges_remove(&where->room, found);
	if (ret)
		return error_set(err, -ret, "out of memory");
	plan->segments[plan->nr_segments++] = (struct segment){
		.kind = kind,
		.addr = found.start,
		.mem_size = req.size,
		.content = content,
	};
	return 0;
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

	ret = place(plan, where, PURGATORY_KIND_KERNEL, kernel, image->kernel, err);
	if (!ret && opts->initrd.size)
		ret = place(plan, where, PURGATORY_KIND_INITRD, initrd, opts->initrd,
			    err);
	return ret;
}

static int place_block(struct plan *plan, struct placement *where,
		       enum purgatory_kind kind, uint64_t mem_size, size_t size,
		       uint8_t **block, struct error *err)
{
	*block = calloc(1, size);
	if (!*block)
		return error_set(err, ENOMEM, "out of memory");
	return place(plan, where, kind, (struct range_request){ .size = mem_size },
		     (struct bytes){ *block, size }, err);
}

/*
 * What the purgatory has to map above what it maps in any case: segments, except the
 * purgatory itself, and the VM generation ID. Returns how many ranges that is.
 */
static uint32_t high_maps(const struct plan *plan, const struct plan_options *opts,
			  struct purgatory_map maps[PLAN_MAX_SEGMENTS + 1])
{
	uint32_t nr = 0;

	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];

		if (s->kind != PURGATORY_KIND_PURGATORY &&
		    s->addr + s->mem_size > LOW_LIMIT)
			maps[nr++] =
				(struct purgatory_map){ s->addr, s->addr + s->mem_size };
	}
	if (opts->generation_id + GENERATION_ID_SIZE > LOW_LIMIT)
		maps[nr++] = (struct purgatory_map){
			opts->generation_id, opts->generation_id + GENERATION_ID_SIZE
		};
	return nr;
}

static int place_purgatory(struct plan *plan, struct placement *where,
			   const struct plan_options *opts, struct error *err)
{
	struct bytes blob = purgatory_blob();
	struct purgatory_params *params;
	struct purgatory_map maps[PLAN_MAX_SEGMENTS + 1];
	uint64_t code, pages = purgatory_pgt_pages(maps, high_maps(plan, opts, maps));
	int ret;

	if (!pages)
		return error_set(err, ENOSPC, "memory above 128 TiB cannot be used");
	code = page_up(((const struct purgatory_params *)blob.data)->mem_size);
	ret = place_block(plan, where, PURGATORY_KIND_PURGATORY, code + pages * PAGE,
			  blob.size, &plan->purgatory_block, err);
	if (ret)
		return ret;
	memcpy(plan->purgatory_block, blob.data, blob.size);
	params = (void *)plan->purgatory_block;
	params->pgt_pool = plan_segment(plan, PURGATORY_KIND_PURGATORY)->addr + code;
	params->pgt_pages = pages;
	return 0;
}

static int place_all(struct plan *plan, struct placement *where,
		     const struct image *image, const struct plan_options *opts,
		     size_t params_size, struct error *err)
{
	struct range_request seed = { .size = PAGE };
	int ret;

	ret = place_kernel(plan, where, image, opts, err);
	if (ret)
		return ret;
	plan->params_size = params_size;
	ret = place_block(plan, where, PURGATORY_KIND_BOOT_PARAMS, params_size,
			  params_size, &plan->params_block, err);
	if (ret)
		return ret;
	if (opts->seed) /* a page of its own, so that nothing shares memory with it */
		ret = place(plan, where, PURGATORY_KIND_SEED, seed, (struct bytes){ 0 },
			    err);
	if (ret)
		return ret;
	return place_purgatory(plan, where, opts, err);
}

static void fill_params(struct plan *plan, const struct params_layout *layout,
			const struct facts *facts, const struct image *image,
			const struct plan_options *opts)
{
	const struct segment *initrd = plan_find(plan, PURGATORY_KIND_INITRD);
	const struct segment *seed = plan_find(plan, PURGATORY_KIND_SEED);
	struct params_addresses at = {
		.block = plan_find(plan, PURGATORY_KIND_BOOT_PARAMS)->addr,
		.initrd = initrd ? initrd->addr : 0,
		.initrd_size = initrd ? opts->initrd.size : 0,
		.seed = seed ? seed->addr : 0,
	};

	plan->boot_params_addr = at.block;
	params_fill(plan, layout, &at, facts, image, opts);
}

/* What the purgatory may ask the processor for, and what it shall mix into the seed. */
static void fill_mix(struct purgatory_params *p, const struct plan *plan,
		     const struct facts *facts, const struct plan_options *opts)
{
	p->digest_way = facts->cpu.sha_ni ? DIGEST_SHA_NI : DIGEST_PORTABLE;
	if (!opts->mix || !plan->has_seed)
		return;
	p->mix_node = plan_find(plan, PURGATORY_KIND_SEED)->addr;
	p->generation_id = opts->generation_id;
	p->mix_inputs = (facts->cpu.rdseed ? SEED_INPUT_RDSEED : 0) |
			(facts->cpu.rdrand ? SEED_INPUT_RDRAND : 0) |
			(facts->cpu.tsc ? SEED_INPUT_TSC : 0);
}

/* Tells the purgatory what to check, what to map and where to go. */
static void fill_purgatory(struct plan *plan, const struct facts *facts,
			   const struct image *image, const struct plan_options *opts)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;
	uint64_t self = plan_find(plan, PURGATORY_KIND_PURGATORY)->addr;

	plan->entry = self + p->entry_offset;
	plan->kernel_entry =
		plan_find(plan, PURGATORY_KIND_KERNEL)->addr + image->entry_offset;
	p->kernel_entry = plan->kernel_entry;
	p->boot_params = plan->boot_params_addr;
	p->on_corruption = opts->on_corruption;
	p->console = opts->console.flags;
	p->serial_port = opts->console.serial_port;
	p->serial_baud = opts->console.serial_baud;
	p->nr_maps = high_maps(plan, opts, p->maps);
	fill_mix(p, plan, facts, opts);
	p->nr_checks = opts->verify ? (uint32_t)plan->nr_segments : 0;
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
	if (!facts->cpu.la57 || image->five_level)
		return 0;
	return error_set(err, ENOEXEC,
			 "this kernel cannot be entered with 5-level paging, which the "
			 "running one uses; boot that one with no5lvl");
}

int plan_make(const struct facts *facts, const struct image *image,
	      const struct plan_options *opts, struct plan *out, struct error *err)
{
	struct placement where = { .min = opts->mem_min, .max = UINT64_MAX };
	struct params_layout layout;
	int ret;

	*out = (struct plan){ 0 };
	if (where.min < LOWEST_ADDR)
		where.min = LOWEST_ADDR;
	if (opts->mem_max)
		where.max = opts->mem_max;
	if (!image->above_4g && where.max > LOW_LIMIT)
		where.max = LOW_LIMIT;
	ret = check_entry_mode(facts, image, err);
	if (!ret)
		ret = params_measure(facts, image, opts, &layout, err);
	if (ret)
		return ret;
	ret = ranges_copy(&where.room, &facts->ram);
	if (ret)
		return error_set(err, -ret, "out of memory");
	ret = place_all(out, &where, image, opts, layout.size, err);
	ranges_free(&where.room);
	if (!ret)
		ret = check_total(out, facts, err);
	if (ret) {
		plan_free(out);
		return ret;
	}
	fill_params(out, &layout, facts, image, opts);
	fill_purgatory(out, facts, image, opts);
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->params_block);
	free(plan->purgatory_block);
	*plan = (struct plan){ 0 };
}
