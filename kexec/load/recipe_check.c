// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe_check.h"

#include "arch/arch.h"
#include "base/text.h"
#include "base/units.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define SEED_TIMEOUT_MAX 3600  /* seconds: --seed-timeout= */
#define CMDLINE_SIZE_MAX 65536 /* NUL included; more than any kernel accepts */

static int inconsistent(struct error *err, const char *what)
{
	return error_set(err, EBADMSG, "inconsistent: %s", what);
}

static bool is_zero(const uint8_t *data, size_t size)
{
	while (size && !*data) {
		data++;
		size--;
	}
	return !size;
}

static bool is_time(struct timespec t)
{
	return t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000;
}

bool recipe_is_source(const char *word)
{
	size_t length = strnlen(word, RECIPE_SOURCE_SIZE);

	for (size_t i = 0; i < length; i++)
		if (word[i] <= ' ' || word[i] > '~')
			return false;
	return length < RECIPE_SOURCE_SIZE;
}

static int check_image(const struct recipe *r, struct error *err)
{
	if (r->method != RECIPE_KEXEC_LOAD && r->method != RECIPE_KEXEC_FILE_LOAD)
		return inconsistent(err, "the method is unknown");
	if (r->region.start >= r->region.end)
		return inconsistent(err, "the crash region is empty");
	if (!is_time(r->loaded) || !is_time(r->refreshed))
		return inconsistent(err, "a time");
	if (!recipe_is_source(r->source))
		return inconsistent(err, "the source of the last refresh is not a word");
	if (r->method == RECIPE_KEXEC_FILE_LOAD &&
	    !is_zero(r->image_id, sizeof(r->image_id)))
		return inconsistent(err, "an image ID with kexec_file_load");
	return 0;
}

static int check_generation(const struct generation *g, struct error *err)
{
	if ((g->addr && !generation_is_addr(g->addr)) || (g->has_id && !g->addr) ||
	    (!g->has_id && !is_zero(g->id, sizeof(g->id))) || (!g->has_count && g->count))
		return inconsistent(err, "the generation");
	return 0;
}

/* Values read from a file may be outside their enumeration. */
static int check_choices(const struct recipe *r, struct error *err)
{
	const struct load_request *o = &r->request;

	if ((unsigned int)o->method > METHOD_FILE)
		return inconsistent(err, "the requested method is unknown");
	if (o->method == (r->method == RECIPE_KEXEC_LOAD ? METHOD_FILE : METHOD_LOAD))
		return inconsistent(err, "the method does not match the request");
	if ((unsigned int)o->seed > SEED_OFF || o->seed_timeout > SEED_TIMEOUT_MAX)
		return inconsistent(err, "the seed policy");
	if (o->on_corruption > PURGATORY_BOOT)
		return inconsistent(err, "on_corruption");
	if (!arch_check_serial(o->serial_port) ||
	    (o->serial_baud && (o->serial_baud < 9600 || 115200 % o->serial_baud)))
		return inconsistent(err, "the serial port");
	if (o->vmgenid_addr && !o->vmgenid_given)
		return inconsistent(err, "the VM generation ID's address");
	return 0;
}

static bool is_path(const char *path)
{
	return path && path[0] == '/' && strnlen(path, PATH_MAX) < PATH_MAX;
}

/* One path a line. */
static bool are_paths(const char *paths)
{
	struct bytes rest = text_from(paths), line;

	while (text_cut(&rest, '\n', &line))
		if (!line.size || line.data[0] != '/' || line.size >= PATH_MAX)
			return false;
	return *paths;
}

static int check_options(const struct recipe *r, struct error *err)
{
	const struct load_request *o = &r->request;

	if (o->target != KEXEC_TARGET_CRASH)
		return inconsistent(err, "not the options of a crash kernel's load");
	if (!is_path(o->kernel) || (o->initrd && !are_paths(o->initrd)))
		return inconsistent(err, "a path is not absolute, or too long");
	if (o->cmdline && strnlen(o->cmdline, CMDLINE_SIZE_MAX) == CMDLINE_SIZE_MAX)
		return inconsistent(err, "the command line's length");
	if (o->initrd && o->reuse_initrd)
		return inconsistent(err, "two initrds");
	if (!o->initrd && !o->reuse_initrd &&
	    !is_zero(r->initrd_digest, sizeof(r->initrd_digest)))
		return inconsistent(err, "a digest without an initrd");
	return check_choices(r, err);
}

static int check_segment(const struct recipe *r, size_t i, struct error *err)
{
	const struct segment *s = &r->plan.segments[i];
	const uint64_t page = r->plan.page_size;

	if ((unsigned int)s->kind >= SEGMENT_KINDS || plan_find(&r->plan, s->kind) != s)
		return inconsistent(err, "a segment of unknown kind, or two of one");
	if (s->addr % page || s->mem_size % page || !s->mem_size)
		return inconsistent(err, "a segment that is not whole pages");
	if (!range_holds(r->region, s->addr, s->mem_size))
		return inconsistent(err, "a segment outside of the crash region");
	if (s->kind == SEGMENT_SEED)
		return s->mem_size == page ? 0 : inconsistent(err, "the seed's size");
	if (!s->content.size || s->content.size > s->mem_size)
		return inconsistent(err, "a segment smaller than its content, or empty");
	if (segment_is_refreshed(s->kind) && s->content.size > RECIPE_SIZE_MAX)
		return inconsistent(err, "a block that is too large");
	return 0;
}

/* True if they are disjoint, and refreshed segments lie below the others. */
static bool are_in_order(const struct segment *a, const struct segment *b)
{
	struct range x = segment_range(a), y = segment_range(b);

	if (segment_is_refreshed(a->kind) != segment_is_refreshed(b->kind))
		return segment_is_refreshed(a->kind) ? x.end <= y.start
						     : y.end <= x.start;
	return x.end <= y.start || y.end <= x.start;
}

static bool is_in_reserve(const struct plan *p, const struct segment *s)
{
	return s->addr < p->control_reserve.end &&
	       s->addr + s->mem_size > p->control_reserve.start;
}

static int check_order(const struct recipe *r, struct error *err)
{
	const struct plan *p = &r->plan;
	struct range reserve = p->control_reserve;

	if (reserve.start > reserve.end ||
	    !range_holds(r->region, reserve.start, range_size(reserve)))
		return inconsistent(err,
				    "the control-page reserve is outside of the crash "
				    "region");
	for (size_t i = 0; i < p->nr_segments; i++) {
		if (is_in_reserve(p, &p->segments[i]))
			return inconsistent(err, "a segment in the control-page reserve");
		for (size_t j = 0; j < i; j++)
			if (!are_in_order(&p->segments[i], &p->segments[j]))
				return inconsistent(err,
						    "segments overlap, or are not in "
						    "the order of a crash image");
	}
	return 0;
}

static int check_segments(const struct recipe *r, struct error *err)
{
	static const enum segment_kind needed[] = { SEGMENT_PURGATORY, SEGMENT_BOOT_DATA,
						    SEGMENT_KERNEL, SEGMENT_ELFCOREHDR,
						    SEGMENT_IMAGE_ID };
	const struct plan *p = &r->plan;
	int ret;

	if (p->nr_segments > PLAN_MAX_SEGMENTS)
		return inconsistent(err, "too many segments");
	for (size_t i = 0; i < p->nr_segments; i++) {
		ret = check_segment(r, i, err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!plan_find(p, needed[i]))
			return error_set(err, EBADMSG,
					 "inconsistent: a plan without a %s",
					 segment_name(needed[i]));
	if (!plan_find(p, SEGMENT_SEED) == p->has_seed)
		return inconsistent(err, "seed flag and seed segment disagree");
	if (!plan_find(p, SEGMENT_INITRD) !=
	    (!r->request.initrd && !r->request.reuse_initrd))
		return inconsistent(err, "initrd segment and initrd file disagree");
	return check_order(r, err);
}

/* True if the plan has all copies of the image ID that the architecture needs. */
static bool are_image_ids(const struct plan *p)
{
	const struct segment *first = plan_find(p, SEGMENT_IMAGE_ID);
	const struct segment *second = plan_find(p, SEGMENT_IMAGE_ID_SECOND);

	for (size_t i = 0; i < p->nr_segments; i++)
		if (segment_is_image_id(p->segments[i].kind) &&
		    p->segments[i].content.size != sizeof(*p->image_id))
			return false;
	if (!second == arch_spares_first_page ||
	    (second && second->addr != first->addr + p->page_size))
		return false;
	return !plan_find(p, SEGMENT_IMAGE_ID_STATIC) == !arch_may_hide_load;
}

/*
 * Checks that all blocks exist with the right size, and that the boot data holds the
 * command line.
 */
static int check_blocks(const struct recipe *r, struct error *err)
{
	const struct plan *p = &r->plan;
	const struct segment *id = plan_find(p, SEGMENT_IMAGE_ID);

	if (!p->image_id || !p->boot_data || !p->elfcorehdr_block ||
	    (!p->purgatory_block && !r->outdated))
		return inconsistent(err, "a block of the plan is missing");
	if (id->addr != align_up(r->region.start, p->page_size))
		return inconsistent(err,
				    "the image ID is not at the start of the region");
	if (!are_image_ids(p))
		return inconsistent(err, "a copy of the image ID");
	if (memcmp(p->image_id->id, r->image_id, sizeof(r->image_id)) != 0)
		return inconsistent(err, "two image IDs");
	if (plan_find(p, SEGMENT_ELFCOREHDR)->content.size != p->elfcorehdr_size ||
	    plan_find(p, SEGMENT_BOOT_DATA)->content.size != p->boot_data_size)
		return inconsistent(err, "a block and its segment differ in size");
	if (p->cmdline_offset >= p->boot_data_size ||
	    !memchr(p->boot_data + p->cmdline_offset, '\0',
		    p->boot_data_size - p->cmdline_offset))
		return inconsistent(err, "the command line");
	return 0;
}

/* Each verified range must lie within the content of the segment of its kind. */
static int check_checks(const struct plan *p, struct error *err)
{
	const struct purgatory_params *params = plan_purgatory(p);
	uint32_t seen = 0;

	if (params->nr_checks > PURGATORY_MAX_CHECKS)
		return inconsistent(err, "the purgatory has too many digests");
	for (uint32_t i = 0; i < params->nr_checks; i++) {
		const struct purgatory_check *c = &params->checks[i];
		enum segment_kind kind = SEGMENT_KINDS;
		const struct segment *s;
		struct range content;

		s = segment_from_code(c->kind, &kind) ? plan_find(p, kind) : NULL;
		/* of the purgatory: the code, and a map that the loader built */
		if (!s || (kind != SEGMENT_PURGATORY && (seen >> kind) & 1))
			return inconsistent(err, "the purgatory has a digest without a "
						 "segment, or two");
		seen |= 1u << kind;
		content = segment_range(s);
		if (s->kind != SEGMENT_SEED)
			content.end = s->addr + s->content.size;
		if (!range_holds(content, c->addr, c->size))
			return inconsistent(err,
					    "the purgatory has a digest of a range that "
					    "is not loaded");
	}
	return 0;
}

static int check_purgatory(const struct plan *p, struct error *err)
{
	const struct segment *self = plan_find(p, SEGMENT_PURGATORY);
	const struct purgatory_params *params = plan_purgatory(p);
	const struct segment *seed = plan_find(p, SEGMENT_SEED);
	struct range memory = segment_range(self);
	const uint64_t page = p->page_size;

	if (self->content.size < sizeof(*params) || params->magic != PURGATORY_MAGIC ||
	    params->version != PURGATORY_VERSION ||
	    params->params_size != sizeof(*params))
		return inconsistent(err, params->version > PURGATORY_VERSION
						 ? "the purgatory is of a newer version"
						 : "the purgatory is of another version");
	if ((arch_builds_map ? self->mem_size : params->file_size) !=
		    self->content.size ||
	    params->mem_size < params->file_size || params->mem_size > self->mem_size)
		return inconsistent(err, "the purgatory's size");
	if (params->entry_offset < sizeof(*params) ||
	    params->entry_offset >= params->file_size ||
	    p->entry != self->addr + params->entry_offset)
		return inconsistent(err, "the entry is not in the purgatory");
	memory.start += params->mem_size;
	if (params->map_pool % page || params->map_pages > self->mem_size / page ||
	    !range_holds(memory, params->map_pool, params->map_pages * page))
		return inconsistent(err, "the purgatory's map is outside of it");
	for (size_t i = 0; i < PURGATORY_MAX_MEMORY; i++)
		if (params->kernel_memory[i].start > params->kernel_memory[i].end)
			return inconsistent(err, "a range of kernel memory");
	if (params->nr_maps > PURGATORY_MAX_MAPS)
		return inconsistent(err, "the purgatory has too many maps");
	if (params->kernel_entry != p->kernel_entry ||
	    params->boot_data != p->boot_data_addr ||
	    (params->mix_target && (!seed || params->mix_target != seed->addr)))
		return inconsistent(err, "the purgatory has other addresses");
	return check_checks(p, err);
}

static int check_plan(const struct recipe *r, struct error *err)
{
	const struct plan *p = &r->plan;
	const char *problem;
	int ret;

	ret = check_segments(r, err);
	if (!ret)
		ret = check_blocks(r, err);
	if (ret)
		return ret;
	if (p->boot_data_addr != plan_find(p, SEGMENT_BOOT_DATA)->addr)
		return inconsistent(err, "the address of the boot data");
	if (!range_holds(segment_range(plan_find(p, SEGMENT_KERNEL)), p->kernel_entry, 1))
		return inconsistent(err, "the kernel's entry is not in the kernel");
	problem = arch_check_plan(p);
	if (problem)
		return inconsistent(err, problem);
	return p->purgatory_block ? check_purgatory(p, err) : 0;
}

static bool is_in_region(const struct recipe *r, const struct known_range *c)
{
	return !c->size || range_holds(r->region, c->addr, c->size);
}

int recipe_check(const struct recipe *r, struct error *err)
{
	int ret;

	ret = check_image(r, err);
	if (!ret)
		ret = check_options(r, err);
	if (!ret)
		ret = check_generation(&r->generation, err);
	if (!ret && r->method == RECIPE_KEXEC_LOAD)
		ret = check_plan(r, err);
	if (ret)
		return ret;
	if (!is_in_region(r, &r->guard) || !is_in_region(r, &r->boot_data))
		return inconsistent(err, "a known range outside of the crash region");
	if (r->seed_node &&
	    !range_holds(r->region, r->seed_node, arch_seed_offset + SEED_SIZE))
		return inconsistent(err, "the seed is outside of the crash region");
	return 0;
}
