// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/refresh_segments.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "load/digests.h"
#include "load/readback.h"
#include "load/refusal.h"
#include "load/seed.h"
#include "machine/machine.h"
#include "plan/elfcorehdr.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* RAM as mapped by the kernel, from /proc/kcore: works without access to /proc/iomem. */
static int mapped_ram(const struct kcore *k, struct memory_map *out, struct error *err)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct kcore_load *l = &k->loads[i];
		int ret;

		if (l->paddr == UINT64_MAX || l == kcore_text(k) || !l->size)
			continue;
		ret = memory_map_add(out, l->paddr, l->paddr + l->size - 1, MEMORY_RAM);
		if (ret)
			return error_set(err, -ret, "/proc/kcore: %s",
					 memory_map_strerror(ret));
	}
	memory_map_sort(out);
	return 0;
}

int refresh_check_reserve(const struct crash_state *s, struct error *err)
{
	const struct plan *plan = &s->recipe.plan;
	uint64_t need, room = range_size(plan->control_reserve) / plan->page_size;
	struct memory_map ram = { 0 };
	bool large_pages = false;
	int ret = mapped_ram(&s->kcore, &ram, err);

	need = arch_control_pages(&ram, false);
	if (!ret && need > room) { /* larger pages need fewer tables */
		ret = arch_read_large_pages("", &large_pages, err);
		need = arch_control_pages(&ram, large_pages);
	}
	memory_map_free(&ram);
	if (ret || need <= room)
		return ret;
	return error_set(err, ENOTSUP,
			 "memory was added since it was loaded (its control-page reserve "
			 "has %llu KiB, now %llu are needed)",
			 (unsigned long long)(room * plan->page_size / KIB),
			 (unsigned long long)(need * plan->page_size / KIB));
}

/*
 * Memory hotplug makes the kernel update the ELF core headers at any time, and a refresh
 * must keep its updates. Allocates *@headers (freed by the caller after the load);
 * check_again() reads the current headers into it right before the load.
 */
static int attach_headers(struct plan *plan, uint8_t **headers, struct error *err)
{
	struct segment *s = plan_segment(plan, SEGMENT_ELFCOREHDR);

	if (!plan->hotplug || !s)
		return 0;
	*headers = calloc(1, s->mem_size);
	if (!*headers)
		return error_set(err, ENOMEM, "out of memory");
	s->content = (struct bytes){ *headers, s->mem_size };
	return 0;
}

/* Samples spread over the kernel and the initrd in memory. */
#define SAMPLES	    16
#define SAMPLE_SIZE 64u

struct samples {
	uint8_t bytes[2][SAMPLES][SAMPLE_SIZE];
};

static int sample(const struct kcore *k, const struct segment *part,
		  uint8_t out[SAMPLES][SAMPLE_SIZE], struct error *err)
{
	uint64_t step = part ? (part->mem_size - SAMPLE_SIZE) / (SAMPLES - 1) : 0;
	int ret = 0;

	for (size_t i = 0; part && !ret && i < SAMPLES; i++)
		ret = kcore_read(k, part->addr + i * step, out[i], SAMPLE_SIZE, err);
	return ret;
}

/*
 * Detects another tool's load: unlike control pages, it may leave the guard bytes intact.
 */
static int take_samples(const struct crash_state *s, struct samples *out,
			struct error *err)
{
	const struct plan *plan = &s->recipe.plan;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = sample(&s->kcore, plan_find(plan, SEGMENT_KERNEL), out->bytes[0], err);
	return ret ? ret
		   : sample(&s->kcore, plan_find(plan, SEGMENT_INITRD), out->bytes[1],
			    err);
}

static int check_samples(const struct crash_state *s, const struct samples *before,
			 struct error *err)
{
	struct samples now;
	int ret = take_samples(s, &now, err);

	if (ret || !memcmp(&now, before, sizeof(now)))
		return ret;
	return error_set(err, EBADMSG, "another tool has loaded its own image");
}

/* Context of the check right before the system call. */
struct last_check {
	const struct crash_state *state;
	uint8_t *headers; /* filled in by the check; NULL: never updated by the kernel */
};

static int check_again(const void *context, struct error *err)
{
	const struct last_check *l = context;
	const struct crash_state *s = l->state;
	const struct segment *part = plan_find(&s->recipe.plan, SEGMENT_ELFCOREHDR);
	int ret = image_check_id(&s->kcore, &s->recipe, err);

	if (ret || !l->headers)
		return ret;
	ret = kcore_read(&s->kcore, part->addr, l->headers, part->mem_size, err);
	if (!ret && memcmp(l->headers, ELFMAG, SELFMAG))
		ret = error_set(err, ENOTSUP, "the ELF core headers are damaged");
	return ret;
}

static int load_segments(struct crash_state *s, struct refresh_result *out,
			 bool *may_fall_back, struct error *err)
{
	_cleanup_free_ uint8_t *headers = NULL;
	struct plan plan = plan_refreshed(&s->recipe.plan);
	/* another tool may have loaded its image since ours was verified */
	struct last_check last = { s, NULL };
	const struct load_guard guard = { check_again, &last };
	struct secret page = { 0 };
	double start;
	int ret;

	ret = refusal_foresee("", KEXEC_TARGET_CRASH, err);
	if (ret)
		return ret;
	ret = attach_headers(&plan, &headers, err);
	last.headers = headers;
	if (!ret)
		ret = arch_purgatory_update("", (void *)plan.purgatory_block, err);
	if (!ret)
		ret = seed_wait(s->recipe.request.seed_timeout, err);
	if (!ret)
		rng_force_reseed();
	if (!ret)
		ret = secret_map(plan.page_size, &page, err);
	if (ret)
		return ret;
	start = monotonic_now();
	ret = load_with_seed(&plan, &page, KEXEC_TARGET_CRASH, &guard, may_fall_back,
			     err);
	out->window = monotonic_now() - start;
	/* restore the recipe's block to its state on disk */
	digests_clear_seed((void *)plan.purgatory_block);
	return ret;
}

/*
 * Checks that nothing overwrote memory above the refreshed segments. If something did,
 * the image is useless: unload it, and the caller does a full reload. If another tool has
 * loaded its image since, leave that alone.
 */
static int check_rest(const struct crash_state *s, const struct samples *before,
		      struct refresh_result *out, struct error *err)
{
	struct error id, why;
	int ret = image_check_guard(&s->kcore, &s->recipe, err);

	if (!ret)
		ret = check_samples(s, before, err);
	if (image_check_id(&s->kcore, &s->recipe, &id) == -ENODATA) {
		*err = id;
		return -ENODATA;
	}
	if (ret == -EBADMSG) {
		/*
		 * kernel.kexec_load_limit_panic may have allowed the refresh and nothing
		 * more
		 */
		if (kexec_unload(KEXEC_TARGET_CRASH, &why))
			error_prefix(
				err,
				"the refreshed image is damaged and STAYS LOADED (%s)",
				why.text);
		else
			error_prefix(err, "the refreshed image is damaged");
		return ret;
	}
	if (ret)
		notes_add_error(&out->notes, "the refreshed image was not checked", err);
	out->mode = REFRESH_DYNAMIC;
	out->count = s->recipe.refreshes + 1;
	return 0;
}

int refresh_segments(struct crash_state *s, struct refresh_result *out,
		     bool *may_fall_back, struct error *err)
{
	struct samples before;
	int ret = take_samples(s, &before, err);

	if (!ret)
		ret = load_segments(s, out, may_fall_back, err);
	return ret ? ret : check_rest(s, &before, out, err);
}

static int check_headers(const struct crash_state *s, const struct machine *m,
			 struct error *err)
{
	const struct segment *part = plan_find(&s->recipe.plan, SEGMENT_ELFCOREHDR);
	_cleanup_free_ uint8_t *block = NULL;
	int ret;

	if (image_is_hidden(&s->kcore, &s->recipe.plan))
		return elfcorehdr_check(m, part->content, err);
	block = malloc(part->mem_size);
	if (!block)
		return error_set(err, ENOMEM, "out of memory");
	ret = kcore_read(&s->kcore, part->addr, block, part->mem_size, err);
	if (ret)
		return ret;
	return elfcorehdr_check(m, (struct bytes){ block, part->mem_size }, err);
}

/* Entry by entry: what lies between their members has no value. */
static bool is_same_map(const struct memory_map *a, const struct memory_map *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++)
		if (a->entries[i].addr != b->entries[i].addr ||
		    a->entries[i].size != b->entries[i].size ||
		    a->entries[i].type != b->entries[i].type)
			return false;
	return a->count == b->count;
}

/* /proc/iomem hides its addresses: has RAM changed since the refresh began? */
static int check_mapped(const struct crash_state *s, struct error *err)
{
	struct memory_map then = { 0 }, now = { 0 };
	struct kcore k = KCORE_NONE;
	int ret = kcore_open(KCORE_PATH, &k, err);

	if (!ret)
		ret = mapped_ram(&s->kcore, &then, err);
	if (!ret)
		ret = mapped_ram(&k, &now, err);
	if (!ret && !is_same_map(&then, &now))
		ret = error_set(err, ENOTSUP,
				"memory was added or removed during the refresh");
	memory_map_free(&then);
	memory_map_free(&now);
	kcore_close(&k);
	return ret;
}

int refresh_check_memory(const struct crash_state *s, struct error *err)
{
	struct machine m;
	struct error ignored;
	int ret;

	if (machine_read_iomem("", &m, &ignored))
		return check_mapped(s, err);
	ret = m.iomem.count ? check_headers(s, &m, err) : check_mapped(s, err);
	machine_free(&m);
	return ret;
}
