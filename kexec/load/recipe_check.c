// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe_check.h"

#include "base/units.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define SEED_TIMEOUT_MAX 3600  /* seconds, as kexec(8) takes them */
#define CMDLINE_SIZE_MAX 65536 /* with the NUL; more than any kernel takes */

static int impossible(struct error *err, const char *what)
{
	return error_set(err, EBADMSG, "impossible: %s", what);
}

/* Is all of it in @r? Nothing overflows, whatever the numbers are. */
static bool holds(struct range r, uint64_t addr, uint64_t size)
{
	return addr >= r.start && addr <= r.end && size <= r.end - addr;
}

/* Of a segment that is in the crash region, so that its end is a number. */
static struct range span(const struct segment *s)
{
	return (struct range){ s->addr, s->addr + s->mem_size };
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

/* A word that can be printed. */
static bool is_source(const char *source)
{
	size_t length = strnlen(source, RECIPE_SOURCE_SIZE);

	for (size_t i = 0; i < length; i++)
		if (source[i] <= ' ' || source[i] > '~')
			return false;
	return length < RECIPE_SOURCE_SIZE;
}

static int check_image(const struct recipe *r, struct error *err)
{
	if (r->method != RECIPE_KEXEC_LOAD && r->method != RECIPE_KEXEC_FILE_LOAD)
		return impossible(err, "the method is unknown");
	if (r->region.start >= r->region.end)
		return impossible(err, "the crash region is empty");
	if (!is_time(r->loaded) || !is_time(r->refreshed))
		return impossible(err, "a time");
	if (!is_source(r->source))
		return impossible(err, "the source of the last refresh is no word");
	if (r->method == RECIPE_KEXEC_FILE_LOAD &&
	    !is_zero(r->image_id, sizeof(r->image_id)))
		return impossible(err, "kexec_file_load gives an image no identity");
	return 0;
}

/* The enumerations may hold any number: they come from a file. */
static int check_choices(const struct recipe *r, struct error *err)
{
	const struct options *o = &r->options;

	if ((unsigned int)o->method > METHOD_FILE)
		return impossible(err, "the wanted method is unknown");
	if (o->method == (r->method == RECIPE_KEXEC_LOAD ? METHOD_FILE : METHOD_LOAD))
		return impossible(err, "loaded in another way than wanted");
	if ((unsigned int)o->seed > SEED_OFF || o->seed_timeout > SEED_TIMEOUT_MAX)
		return impossible(err, "what is wanted of the seed");
	if (o->on_corruption > PURGATORY_BOOT)
		return impossible(err, "what to do on corruption");
	if (o->serial_port > 0xffff ||
	    (o->serial_baud && (o->serial_baud < 9600 || 115200 % o->serial_baud)))
		return impossible(err, "the serial port");
	if (o->vmgenid_addr && !o->vmgenid_given)
		return impossible(err, "the VM generation ID's address");
	return 0;
}

static bool is_path(const char *path)
{
	return path && path[0] == '/' && strnlen(path, PATH_MAX) < PATH_MAX;
}

static int check_options(const struct recipe *r, struct error *err)
{
	const struct options *o = &r->options;

	if (!o->load || o->target != KEXEC_TARGET_CRASH)
		return impossible(err, "not the options of a crash kernel's load");
	if (!is_path(o->kernel) || (o->initrd && !is_path(o->initrd)))
		return impossible(err, "a path is not absolute, or too long");
	if (o->append && strnlen(o->append, CMDLINE_SIZE_MAX) == CMDLINE_SIZE_MAX)
		return impossible(err, "the command line's length");
	if (o->initrd && o->reuse_initrd)
		return impossible(err, "two initrds");
	if (!o->initrd && !o->reuse_initrd &&
	    !is_zero(r->initrd_digest, sizeof(r->initrd_digest)))
		return impossible(err, "a digest without an initrd");
	return check_choices(r, err);
}

static int check_segment(const struct recipe *r, size_t i, struct error *err)
{
	const struct segment *s = &r->plan.segments[i];

	if ((unsigned int)s->kind > PURGATORY_KIND_IMAGE_ID ||
	    plan_find(&r->plan, s->kind) != s)
		return impossible(err, "a segment of unknown kind, or two of one");
	if (s->addr % PAGE || s->mem_size % PAGE || !s->mem_size)
		return impossible(err, "a segment that is not made of pages");
	if (!holds(r->region, s->addr, s->mem_size))
		return impossible(err, "a segment outside of the crash region");
	if (s->kind == PURGATORY_KIND_SEED)
		return s->mem_size == PAGE ? 0 : impossible(err, "the seed's size");
	if (!s->content.size || s->content.size > s->mem_size)
		return impossible(err, "a segment smaller than its content, or empty");
	if (plan_is_dynamic(s->kind) && s->content.size > RECIPE_SIZE_MAX)
		return impossible(err, "a block that is too large");
	return 0;
}

/* Are they apart, and what a refresh replaces below what stays? */
static bool are_in_order(const struct segment *a, const struct segment *b)
{
	struct range x = span(a), y = span(b);

	if (plan_is_dynamic(a->kind) != plan_is_dynamic(b->kind))
		return plan_is_dynamic(a->kind) ? x.end <= y.start : y.end <= x.start;
	return x.end <= y.start || y.end <= x.start;
}

static bool is_in_hole(const struct plan *p, const struct segment *s)
{
	return s->addr < p->hole.end && s->addr + s->mem_size > p->hole.start;
}

static int check_order(const struct recipe *r, struct error *err)
{
	const struct plan *p = &r->plan;
	struct range hole = p->hole;

	if (hole.start > hole.end || !holds(r->region, hole.start, range_size(hole)))
		return impossible(err, "the hole is outside of the crash region");
	for (size_t i = 0; i < p->nr_segments; i++) {
		if (is_in_hole(p, &p->segments[i]))
			return impossible(err, "a segment in the hole");
		for (size_t j = 0; j < i; j++)
			if (!are_in_order(&p->segments[i], &p->segments[j]))
				return impossible(err, "segments overlap, or are not in "
						       "the order of a crash image");
	}
	return 0;
}

static int check_segments(const struct recipe *r, struct error *err)
{
	static const enum purgatory_kind needed[] = {
		PURGATORY_KIND_PURGATORY, PURGATORY_KIND_BOOT_DATA,
		PURGATORY_KIND_KERNEL, PURGATORY_KIND_ELFCOREHDR, PURGATORY_KIND_IMAGE_ID
	};
	const struct plan *p = &r->plan;
	int ret;

	if (p->nr_segments > PLAN_MAX_SEGMENTS)
		return impossible(err, "too many segments");
	for (size_t i = 0; i < p->nr_segments; i++) {
		ret = check_segment(r, i, err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!plan_find(p, needed[i]))
			return error_set(err, EBADMSG, "impossible: a plan without a %s",
					 segment_name(needed[i]));
	if (!plan_find(p, PURGATORY_KIND_SEED) == p->has_seed)
		return impossible(err, "a seed without a segment, or the reverse");
	if (!plan_find(p, PURGATORY_KIND_INITRD) !=
	    (!r->options.initrd && !r->options.reuse_initrd))
		return impossible(err, "an initrd without a file, or the reverse");
	return check_order(r, err);
}

/* The tag, boot_params and command line, and the ELF core headers: are they there? */
static int check_blocks(const struct recipe *r, struct error *err)
{
	const struct plan *p = &r->plan;
	const struct segment *tag = plan_find(p, PURGATORY_KIND_IMAGE_ID);

	if (!p->tag || !p->params_block || !p->purgatory_block || !p->elfcorehdr_block)
		return impossible(err, "a block of the plan is missing");
	if (tag->addr != page_up(r->region.start) || tag->content.size != sizeof(*p->tag))
		return impossible(err, "the tag is not at the start of the region");
	if (memcmp(p->tag->id, r->image_id, sizeof(r->image_id)) != 0)
		return impossible(err, "the tag is another image's");
	if (plan_find(p, PURGATORY_KIND_ELFCOREHDR)->content.size != p->elfcorehdr_size ||
	    plan_find(p, PURGATORY_KIND_BOOT_DATA)->content.size != p->params_size)
		return impossible(err, "a block of another size than its segment's");
	if (p->params_size < sizeof(struct boot_params) ||
	    p->cmdline_offset < sizeof(struct boot_params) ||
	    p->cmdline_offset >= p->params_size ||
	    !memchr(p->params_block + p->cmdline_offset, '\0',
		    p->params_size - p->cmdline_offset))
		return impossible(err, "the command line");
	return 0;
}

/* The node behind the seed's, if there is one, is in the block with boot_params. */
static int check_seed_header(const struct plan *p, struct error *err)
{
	const struct segment *params = plan_find(p, PURGATORY_KIND_BOOT_DATA);
	struct range block = { params->addr, params->addr + params->content.size };
	const struct seed_header *h = &p->seed_header;

	if (!p->has_seed)
		return h->next || h->type || h->len ? impossible(err, "no seed, but its "
								      "header")
						    : 0;
	if (h->type != SETUP_RNG_SEED || h->len != SEED_SIZE)
		return impossible(err, "the seed's header");
	if (h->next && !holds(block, h->next, sizeof(*h)))
		return impossible(err, "the seed's header points out of its block");
	return 0;
}

/* What the purgatory checks lies in the content of the segment of that kind. */
static int check_checks(const struct plan *p, struct error *err)
{
	const struct purgatory_params *params = plan_purgatory(p);
	uint32_t seen = 0;

	if (params->nr_checks > PURGATORY_MAX_CHECKS)
		return impossible(err, "the purgatory has too many digests");
	for (uint32_t i = 0; i < params->nr_checks; i++) {
		const struct purgatory_check *c = &params->checks[i];
		const struct segment *s = plan_find(p, c->kind);
		struct range content;

		if (!s || (seen >> c->kind) & 1)
			return impossible(err, "the purgatory has a digest without a "
					       "segment, or two");
		seen |= 1u << c->kind;
		content = span(s);
		if (s->kind != PURGATORY_KIND_SEED)
			content.end = s->addr + s->content.size;
		if (!holds(content, c->addr, c->size))
			return impossible(err, "the purgatory has a digest of what is "
					       "not loaded");
	}
	return 0;
}

static int check_purgatory(const struct plan *p, struct error *err)
{
	const struct segment *self = plan_find(p, PURGATORY_KIND_PURGATORY);
	const struct purgatory_params *params = plan_purgatory(p);
	const struct segment *seed = plan_find(p, PURGATORY_KIND_SEED);
	struct range memory = span(self);

	if (self->content.size < sizeof(*params) || params->magic != PURGATORY_MAGIC ||
	    params->version != PURGATORY_VERSION ||
	    params->params_size != sizeof(*params))
		return impossible(err, "the purgatory is none of this version");
	if (params->file_size != self->content.size ||
	    params->mem_size < params->file_size || params->mem_size > self->mem_size)
		return impossible(err, "the purgatory's size");
	if (params->entry_offset < sizeof(*params) ||
	    params->entry_offset >= params->file_size ||
	    p->entry != self->addr + params->entry_offset)
		return impossible(err, "the entry is not in the purgatory");
	memory.start += params->mem_size;
	if (params->pgt_pool % PAGE || params->pgt_pages > self->mem_size / PAGE ||
	    !holds(memory, params->pgt_pool, params->pgt_pages * PAGE))
		return impossible(err, "the page tables are not in the purgatory");
	if (params->nr_maps > PURGATORY_MAX_MAPS)
		return impossible(err, "the purgatory has too much to map");
	if (params->kernel_entry != p->kernel_entry ||
	    params->boot_data != p->boot_params_addr ||
	    (params->mix_target && (!seed || params->mix_target != seed->addr)))
		return impossible(err, "the purgatory knows other addresses");
	return check_checks(p, err);
}

static int check_plan(const struct recipe *r, struct error *err)
{
	const struct plan *p = &r->plan;
	int ret;

	ret = check_segments(r, err);
	if (!ret)
		ret = check_blocks(r, err);
	if (ret)
		return ret;
	if (p->boot_params_addr != plan_find(p, PURGATORY_KIND_BOOT_DATA)->addr)
		return impossible(err, "the address of boot_params");
	if (!holds(span(plan_find(p, PURGATORY_KIND_KERNEL)), p->kernel_entry, 1))
		return impossible(err, "the kernel's entry is not in the kernel");
	ret = check_seed_header(p, err);
	return ret ? ret : check_purgatory(p, err);
}

static bool is_stretch(const struct recipe *r, const struct recipe_check *c)
{
	return !c->size || holds(r->region, c->addr, c->size);
}

int recipe_check(const struct recipe *r, struct error *err)
{
	int ret;

	ret = check_image(r, err);
	if (!ret)
		ret = check_options(r, err);
	if (!ret && r->method == RECIPE_KEXEC_LOAD)
		ret = check_plan(r, err);
	if (ret)
		return ret;
	if (!is_stretch(r, &r->neighbour) || !is_stretch(r, &r->boot_params))
		return impossible(err, "a digest of what is outside of the crash region");
	if (r->seed_node && !holds(r->region, r->seed_node, SEED_NODE_SIZE))
		return impossible(err, "the seed is outside of the crash region");
	return 0;
}
