// SPDX-License-Identifier: GPL-2.0-only
/* Records about what was loaded where. */
#include "load/recipe_records.h"

#include "load/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bits of the plan's flags. */
enum {
	PLAN_HAS_SEED = 1 << 0,
	PLAN_HOTPLUG = 1 << 1,
	PLAN_FLAGS_KNOWN = (1 << 2) - 1,
};

void recipe_put_plan(struct wire_writer *w, const struct recipe *r)
{
	const struct plan *p = &r->plan;

	wire_put_u32(w,
		     (p->has_seed ? PLAN_HAS_SEED : 0) | (p->hotplug ? PLAN_HOTPLUG : 0));
	wire_put_u32(w, (uint32_t)p->nr_segments);
	wire_put_u64(w, p->entry);
	wire_put_u64(w, p->kernel_entry);
	wire_put_u64(w, p->boot_params_addr);
	wire_put_u64(w, p->cmdline_offset);
	wire_put_u64(w, p->hole.start);
	wire_put_u64(w, p->hole.end);
	wire_put_u64(w, p->seed_header.next);
	wire_put_u32(w, p->seed_header.type);
	wire_put_u32(w, p->seed_header.len);
	for (size_t i = 0; i < p->nr_segments; i++) {
		const struct segment *s = &p->segments[i];

		wire_put_u32(w, s->kind);
		wire_put_u32(w, 0);
		wire_put_u64(w, s->addr);
		wire_put_u64(w, s->mem_size);
		wire_put_u64(w, s->kind == PURGATORY_KIND_SEED ? 0 : s->content.size);
	}
}

int recipe_get_plan(struct wire_reader *in, struct recipe *r, struct error *err)
{
	struct plan *p = &r->plan;
	uint32_t flags = wire_get_u32(in), count = wire_get_u32(in);

	if (flags & ~(uint32_t)PLAN_FLAGS_KNOWN)
		return error_set(err, EBADMSG, "unknown flags 0x%x of the plan", flags);
	if (count > PLAN_MAX_SEGMENTS)
		return error_set(err, EBADMSG, "%u segments, at most %d are possible",
				 count, PLAN_MAX_SEGMENTS);
	p->has_seed = flags & PLAN_HAS_SEED;
	p->hotplug = flags & PLAN_HOTPLUG;
	p->nr_segments = count;
	p->entry = wire_get_u64(in);
	p->kernel_entry = wire_get_u64(in);
	p->boot_params_addr = wire_get_u64(in);
	p->cmdline_offset = wire_get_u64(in);
	p->hole.start = wire_get_u64(in);
	p->hole.end = wire_get_u64(in);
	p->seed_header.next = wire_get_u64(in);
	p->seed_header.type = wire_get_u32(in);
	p->seed_header.len = wire_get_u32(in);
	for (size_t i = 0; i < count; i++) {
		struct segment *s = &p->segments[i];

		s->kind = wire_get_u32(in);
		wire_get_zero(in);
		s->addr = wire_get_u64(in);
		s->mem_size = wire_get_u64(in);
		s->content.size = wire_get_u64(in);
		if (s->kind == PURGATORY_KIND_SEED && s->content.size)
			return error_set(err, EBADMSG, "a seed that has content");
	}
	return 0;
}

/* A block of the plan's, for the segment of that kind. */
static int get_block(struct wire_reader *in, struct plan *plan, enum purgatory_kind kind,
		     uint8_t **block, struct error *err)
{
	struct segment *s = plan_segment(plan, kind);
	size_t size = in->rest.size;

	if (!s || !size || s->content.size != size)
		return error_set(err, EBADMSG, "it does not fit its segment in the plan");
	*block = malloc(size);
	if (!*block)
		return error_set(err, ENOMEM, "out of memory");
	wire_get(in, *block, size);
	s->content.data = *block;
	return 0;
}

void recipe_put_params(struct wire_writer *w, const struct recipe *r)
{
	wire_put(w, r->plan.params_block, r->plan.params_size);
}

int recipe_get_params(struct wire_reader *in, struct recipe *r, struct error *err)
{
	r->plan.params_size = in->rest.size;
	return get_block(in, &r->plan, PURGATORY_KIND_BOOT_DATA, &r->plan.params_block,
			 err);
}

static bool has_seed_digest(const struct purgatory_params *p)
{
	struct purgatory_params wiped = *p;

	seal_forget_seed(&wiped);
	return memcmp(&wiped, p, sizeof(wiped)) != 0;
}

/*
 * The digests are wiped where they are written to: there is no other copy. Memory from
 * malloc() and payloads at multiples of 8 are aligned for the structure.
 */
void recipe_put_purgatory(struct wire_writer *w, const struct recipe *r)
{
	uint8_t *at =
		wire_put(w, r->plan.purgatory_block,
			 plan_find(&r->plan, PURGATORY_KIND_PURGATORY)->content.size);

	if (at)
		seal_forget_seed((struct purgatory_params *)at);
}

int recipe_get_purgatory(struct wire_reader *in, struct recipe *r, struct error *err)
{
	size_t size = in->rest.size;
	int ret = get_block(in, &r->plan, PURGATORY_KIND_PURGATORY,
			    &r->plan.purgatory_block, err);

	if (ret)
		return ret;
	if (size < sizeof(struct purgatory_params))
		return error_set(err, EBADMSG, "it is shorter than its parameters");
	if (has_seed_digest(plan_purgatory(&r->plan)))
		return error_set(err, EBADMSG, "it holds a digest of a seed");
	return 0;
}

void recipe_put_elfcorehdr(struct wire_writer *w, const struct recipe *r)
{
	wire_put(w, r->plan.elfcorehdr_block, r->plan.elfcorehdr_size);
}

int recipe_get_elfcorehdr(struct wire_reader *in, struct recipe *r, struct error *err)
{
	r->plan.elfcorehdr_size = in->rest.size;
	return get_block(in, &r->plan, PURGATORY_KIND_ELFCOREHDR,
			 &r->plan.elfcorehdr_block, err);
}

static void put_check(struct wire_writer *w, const struct recipe_check *c)
{
	wire_put_u64(w, c->addr);
	wire_put_u64(w, c->size);
	wire_put(w, c->digest, sizeof(c->digest));
}

static void get_check(struct wire_reader *in, struct recipe_check *c)
{
	c->addr = wire_get_u64(in);
	c->size = wire_get_u64(in);
	wire_get(in, c->digest, sizeof(c->digest));
}

void recipe_put_neighbour(struct wire_writer *w, const struct recipe *r)
{
	put_check(w, &r->neighbour);
}

int recipe_get_neighbour(struct wire_reader *in, struct recipe *r, struct error *err)
{
	(void)err;
	get_check(in, &r->neighbour);
	return 0;
}

void recipe_put_file_load(struct wire_writer *w, const struct recipe *r)
{
	put_check(w, &r->boot_params);
	wire_put_u64(w, r->seed_node);
}

int recipe_get_file_load(struct wire_reader *in, struct recipe *r, struct error *err)
{
	(void)err;
	get_check(in, &r->boot_params);
	r->seed_node = wire_get_u64(in);
	return 0;
}
