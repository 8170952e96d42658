// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe_fields.h"

#include "arch/arch.h"
#include "base/units.h"
#include "load/digests.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void code_time(struct le_codec *c, struct timespec *t)
{
	uint64_t seconds = (uint64_t)t->tv_sec, ns = (uint64_t)t->tv_nsec;

	le_u64(c, &seconds);
	le_u64(c, &ns);
	if (c->decode)
		*t = (struct timespec){ (time_t)seconds, (long)ns };
}

static void code_range(struct le_codec *c, struct range *r)
{
	le_u64(c, &r->start);
	le_u64(c, &r->end);
}

int recipe_image(struct le_codec *c, struct recipe *r, struct error *err)
{
	char source[RECIPE_SOURCE_SIZE] = "";
	uint32_t method = r->method;
	size_t length;

	strcpy(source, r->source); /* recipe_check() has checked its length */
	le_u32(c, &method);
	le_zero(c);
	le_bytes(c, r->boot_id, sizeof(r->boot_id));
	le_bytes(c, r->image_id, sizeof(r->image_id));
	code_time(c, &r->loaded);
	code_time(c, &r->refreshed);
	le_u64(c, &r->refreshes);
	code_range(c, &r->region);
	le_bytes(c, source, sizeof(source));
	if (!c->decode)
		return 0;
	r->method = method;
	memcpy(r->source, source, sizeof(source));
	length = strnlen(source, sizeof(source));
	memset(source, 0, length);
	if (memcmp(source, (char[RECIPE_SOURCE_SIZE]){ 0 }, sizeof(source)) != 0)
		return error_set(err, EBADMSG, "bytes after the source's name");
	return 0;
}

/*
 * The load request, in the order of the file: flags, one bit each, then numbers. Append
 * new fields to the end of their table.
 */
#define FIELD(name) offsetof(struct load_request, name)

static const size_t request_flags[] = {
	FIELD(reuse_initrd),   FIELD(noefi),	   FIELD(hotplug),
	FIELD(memmap_cmdline), FIELD(no_checks),   FIELD(mix_off),
	FIELD(vmgenid_given),  FIELD(console_vga), FIELD(console_serial),
	FIELD(entry_32bit),    FIELD(caches_off),
};

static const size_t request_u32[] = {
	FIELD(method),	      FIELD(seed),	  FIELD(seed_timeout),
	FIELD(on_corruption), FIELD(serial_port), FIELD(serial_baud),
};

static const size_t request_u64[] = { FIELD(mem_min), FIELD(mem_max),
				      FIELD(vmgenid_addr) };

_Static_assert(sizeof(enum kexec_method) == 4 && sizeof(enum seed_policy) == 4,
	       "enumerations are stored like uint32_t");

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int recipe_request(struct le_codec *c, struct recipe *r, struct error *err)
{
	char *request = (char *)&r->request;
	uint32_t flags = 0;

	for (size_t i = 0; i < COUNT(request_flags); i++)
		flags |= *(bool *)(request + request_flags[i]) ? 1u << i : 0;
	le_u32(c, &flags);
	if (flags >> COUNT(request_flags))
		return error_set(err, EBADMSG, "unknown flags 0x%x of the options",
				 flags);
	for (size_t i = 0; c->decode && i < COUNT(request_flags); i++)
		*(bool *)(request + request_flags[i]) = flags >> i & 1;
	for (size_t i = 0; i < COUNT(request_u32); i++)
		le_u32(c, (uint32_t *)(void *)(request + request_u32[i]));
	le_zero(c);
	for (size_t i = 0; i < COUNT(request_u64); i++)
		le_u64(c, (uint64_t *)(void *)(request + request_u64[i]));
	if (c->decode) {
		r->request.target = KEXEC_TARGET_CRASH;
		r->request.root = "";
	}
	return 0;
}

/* A text that fills the rest of its field. @owned: what frees it. */
static int code_text(struct le_codec *c, const char **text, char **owned,
		     struct error *err)
{
	size_t size = c->in.size;

	if (!c->decode) {
		le_bytes(c, (char *)*text, *text ? strlen(*text) : 0);
		return 0;
	}
	if (size && memchr(c->in.data, '\0', size))
		return error_set(err, EBADMSG, "a text that contains a NUL");
	*text = *owned = calloc(1, size + 1);
	if (!*owned)
		return error_set(err, ENOMEM, "out of memory");
	le_bytes(c, *owned, size);
	return 0;
}

int recipe_kernel(struct le_codec *c, struct recipe *r, struct error *err)
{
	le_bytes(c, r->kernel_digest, sizeof(r->kernel_digest));
	return code_text(c, &r->request.kernel, &r->strings[0], err);
}

/* An empty path means --reuseinitrd: the running kernel's initrd. */
int recipe_initrd(struct le_codec *c, struct recipe *r, struct error *err)
{
	le_bytes(c, r->initrd_digest, sizeof(r->initrd_digest));
	if (c->decode && !c->in.size)
		return 0;
	return code_text(c, &r->request.initrd, &r->strings[1], err);
}

int recipe_cmdline(struct le_codec *c, struct recipe *r, struct error *err)
{
	return code_text(c, &r->request.cmdline, &r->strings[2], err);
}

static int code_segment(struct le_codec *c, struct segment *s, struct error *err)
{
	bool is_seed = s->kind == SEGMENT_SEED;
	uint64_t content = is_seed ? 0 : s->content.size;
	uint32_t code = segment_code(s->kind);

	le_u32(c, &code);
	le_zero(c);
	le_u64(c, &s->addr);
	le_u64(c, &s->mem_size);
	le_u64(c, &content);
	if (!c->decode)
		return 0;
	if (!segment_from_code(code, &s->kind))
		return error_set(err, EBADMSG, "a segment of unknown kind %u", code);
	s->content.size = content;
	if (s->kind == SEGMENT_SEED && content)
		return error_set(err, EBADMSG, "a seed that has content");
	return 0;
}

/* Bits of the plan's flags. */
enum {
	PLAN_HAS_SEED = 1 << 0,
	PLAN_HOTPLUG = 1 << 1,
	PLAN_FLAGS_KNOWN = (1 << 2) - 1,
};

int recipe_plan(struct le_codec *c, struct recipe *r, struct error *err)
{
	struct plan *p = &r->plan;
	uint32_t flags =
		(p->has_seed ? PLAN_HAS_SEED : 0) | (p->hotplug ? PLAN_HOTPLUG : 0);
	uint32_t count = (uint32_t)p->nr_segments;
	int ret = 0;

	le_u32(c, &flags);
	le_u32(c, &count);
	if (flags & ~(uint32_t)PLAN_FLAGS_KNOWN)
		return error_set(err, EBADMSG, "unknown flags 0x%x of the plan", flags);
	if (count > PLAN_MAX_SEGMENTS)
		return error_set(err, EBADMSG, "%u segments, at most %d are possible",
				 count, PLAN_MAX_SEGMENTS);
	le_u64(c, &p->entry);
	le_u64(c, &p->kernel_entry);
	le_u64(c, &p->boot_data_addr);
	le_u64(c, &p->cmdline_offset);
	code_range(c, &p->control_reserve);
	le_bytes(c, p->seed_prefix, sizeof(p->seed_prefix));
	for (uint32_t i = 0; !ret && i < count; i++)
		ret = code_segment(c, &p->segments[i], err);
	if (c->decode) {
		p->page_size = page_size();
		p->has_seed = flags & PLAN_HAS_SEED;
		p->hotplug = flags & PLAN_HOTPLUG;
		p->seed_prefix_size = arch_seed_offset;
		p->nr_segments = count;
	}
	return ret;
}

/* The content of the plan's segment of @kind, which fills its field. */
static int code_block(struct le_codec *c, struct plan *plan, enum segment_kind kind,
		      uint8_t **block, struct error *err)
{
	struct segment *s = plan_segment(plan, kind);

	if (c->decode) {
		if (!s || !c->in.size || s->content.size != c->in.size)
			return error_set(err, EBADMSG,
					 "it does not fit its segment in the plan");
		*block = malloc(s->content.size);
		if (!*block)
			return error_set(err, ENOMEM, "out of memory");
		s->content.data = *block;
	}
	le_bytes(c, *block, s->content.size);
	return 0;
}

int recipe_boot_data(struct le_codec *c, struct recipe *r, struct error *err)
{
	int ret;

	if (c->decode)
		r->plan.boot_data_size = c->in.size;
	ret = code_block(c, &r->plan, SEGMENT_BOOT_DATA, &r->plan.boot_data, err);
	if (!ret && c->decode)
		r->plan.seed_slot = arch_seed_slot(&r->plan);
	return ret;
}

int recipe_elfcorehdr(struct le_codec *c, struct recipe *r, struct error *err)
{
	if (c->decode)
		r->plan.elfcorehdr_size = c->in.size;
	return code_block(c, &r->plan, SEGMENT_ELFCOREHDR, &r->plan.elfcorehdr_block,
			  err);
}

static bool has_seed_digest(const struct purgatory_params *p)
{
	struct purgatory_params wiped = *p;

	digests_clear_seed(&wiped);
	return memcmp(&wiped, p, sizeof(wiped)) != 0;
}

/* The build's part of the parameters, which every version has in the same place. */
#define PARAMS_COMMON offsetof(struct purgatory_params, kernel_entry)

static bool is_older(const struct purgatory_params *p, size_t size)
{
	return size >= PARAMS_COMMON && p->magic == PURGATORY_MAGIC &&
	       p->file_size == size && p->version && p->version < PURGATORY_VERSION;
}

/*
 * Looks for the kernel's digest in an older purgatory. The parameters have moved, but a
 * digest still follows the range and the kind of what it covers.
 */
static void find_kernel_digest(struct recipe *r, const uint8_t *block, size_t size)
{
	const struct segment *s = plan_find(&r->plan, SEGMENT_KERNEL);
	const struct purgatory_check want = { .addr = s ? s->addr : 0,
					      .size = s ? s->content.size : 0,
					      .kind = segment_code(SEGMENT_KERNEL) };
	const size_t head = offsetof(struct purgatory_check, digest);

	for (size_t at = 0; s && at + sizeof(want) <= size; at += sizeof(uint64_t)) {
		if (memcmp(block + at, &want, head) != 0)
			continue;
		r->kernel = (struct known_range){ .addr = want.addr, .size = want.size };
		memcpy(r->kernel.digest, block + at + head, SHA256_SIZE);
		return;
	}
}

/* Leaves out a purgatory whose parameters this version cannot read. */
static void drop_older(struct recipe *r, size_t size)
{
	struct plan *p = &r->plan;

	find_kernel_digest(r, p->purgatory_block, size);
	free(p->purgatory_block);
	p->purgatory_block = NULL;
	plan_segment(p, SEGMENT_PURGATORY)->content.data = NULL;
	r->outdated = true;
}

/*
 * Wipes the seed's digests in the only copy that is written. The structure is aligned
 * there: by malloc(), and by payload offsets that are multiples of 8.
 */
int recipe_purgatory(struct le_codec *c, struct recipe *r, struct error *err)
{
	uint8_t *copy = c->out ? c->out + c->used : NULL;
	size_t size = c->in.size;
	int ret =
		code_block(c, &r->plan, SEGMENT_PURGATORY, &r->plan.purgatory_block, err);

	if (copy)
		digests_clear_seed((struct purgatory_params *)(void *)copy);
	if (ret || !c->decode)
		return ret;
	if (is_older(plan_purgatory(&r->plan), size)) {
		drop_older(r, size);
		return 0;
	}
	if (size < sizeof(struct purgatory_params))
		return error_set(err, EBADMSG, "it is shorter than its parameters");
	if (has_seed_digest(plan_purgatory(&r->plan)))
		return error_set(err, EBADMSG, "it holds a digest of a seed");
	return 0;
}

static void code_known(struct le_codec *c, struct known_range *r)
{
	le_u64(c, &r->addr);
	le_u64(c, &r->size);
	le_bytes(c, r->digest, sizeof(r->digest));
}

int recipe_guard(struct le_codec *c, struct recipe *r, struct error *err)
{
	(void)err;
	code_known(c, &r->guard);
	return 0;
}

int recipe_file_load(struct le_codec *c, struct recipe *r, struct error *err)
{
	(void)err;
	code_known(c, &r->boot_data);
	le_u64(c, &r->seed_node);
	return 0;
}

enum {
	GENERATION_HAS_ID = 1 << 0,
	GENERATION_HAS_COUNT = 1 << 1,
	GENERATION_FLAGS_KNOWN = (1 << 2) - 1,
};

int recipe_generation(struct le_codec *c, struct recipe *r, struct error *err)
{
	struct generation *g = &r->generation;
	uint32_t flags = (g->has_id ? GENERATION_HAS_ID : 0) |
			 (g->has_count ? GENERATION_HAS_COUNT : 0);

	le_u64(c, &g->addr);
	le_u32(c, &flags);
	le_zero(c);
	le_bytes(c, g->id, sizeof(g->id));
	le_u64(c, &g->count);
	if (flags & ~(uint32_t)GENERATION_FLAGS_KNOWN)
		return error_set(err, EBADMSG, "unknown flags 0x%x", flags);
	if (c->decode) {
		g->has_id = flags & GENERATION_HAS_ID;
		g->has_count = flags & GENERATION_HAS_COUNT;
	}
	return 0;
}
