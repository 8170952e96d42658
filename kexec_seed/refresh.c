// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/refresh.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "load/kexec_load.h"
#include "load/lend.h"
#include "load/loaded.h"
#include "load/refusal.h"
#include "load/seal.h"
#include "load/seed.h"
#include "machine/cpu.h"
#include "machine/e820.h"
#include "plan/crash.h"
#include "run.h"
#include "kexec_seed/state.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOT_COUNTED "this refresh is not counted"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The memory that the kernel maps, as /proc/kcore has it: readable without /proc/iomem. */
static int mapped_ram(const struct kcore *k, struct e820_map *out, struct error *err)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct kcore_load *l = &k->loads[i];
		int ret;

		if (l->paddr == UINT64_MAX || l == kcore_text(k) || !l->size)
			continue;
		ret = e820_add(out, l->paddr, l->paddr + l->size - 1, E820_RAM);
		if (ret)
			return error_set(err, -ret, "/proc/kcore: %s",
					 e820_strerror(ret));
	}
	return 0;
}

/* Is there still room for all that the kernel takes below the dynamic block? */
static int check_hole(const struct crash_state *s, struct error *err)
{
	uint64_t need, room = range_size(s->recipe.plan.hole);
	struct e820_map ram = { 0 };
	struct cpu_facts cpu;
	int ret = mapped_ram(&s->kcore, &ram, err);

	e820_sort(&ram);
	need = crash_hole_needed(&ram, false);
	if (need > room) { /* with larger pages there are fewer tables */
		ret = ret ? ret : cpu_read("", &cpu, err);
		need = crash_hole_needed(&ram, !ret && cpu.gbpages);
	}
	e820_free(&ram);
	if (ret || need <= room)
		return ret;
	return error_set(err, ENOTSUP,
			 "memory was added since it was loaded (%llu KiB of room for its "
			 "tables, now %llu are needed)",
			 (unsigned long long)room >> 10, (unsigned long long)need >> 10);
}

/*
 * The kernel changes the headers when memory comes or goes, and may do so at any time:
 * what it made of them must stay. Room for them into *@headers, which the caller frees
 * after the load; they are read right before it.
 */
static int make_room_for_headers(struct plan *plan, uint8_t **headers, struct error *err)
{
	struct segment *s = plan_segment(plan, PURGATORY_KIND_ELFCOREHDR);

	if (!plan->hotplug || !s)
		return 0;
	*headers = calloc(1, s->mem_size);
	if (!*headers)
		return error_set(err, ENOMEM, "out of memory");
	s->content = (struct bytes){ *headers, s->mem_size };
	return 0;
}

/* Some of what a refresh does not replace, all over it, as it lies in memory. */
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

/* Another tool's load, unlike the kernel's own pages, need not touch the neighbour. */
static int take_samples(const struct crash_state *s, struct samples *out,
			struct error *err)
{
	const struct plan *plan = &s->recipe.plan;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = sample(&s->kcore, plan_find(plan, PURGATORY_KIND_KERNEL), out->bytes[0],
		     err);
	return ret ? ret
		   : sample(&s->kcore, plan_find(plan, PURGATORY_KIND_INITRD),
			    out->bytes[1], err);
}

static int check_samples(const struct crash_state *s, const struct samples *before,
			 struct error *err)
{
	struct samples now;
	int ret = take_samples(s, &now, err);

	if (ret || !memcmp(&now, before, sizeof(now)))
		return ret;
	return error_set(err, EBADMSG, "another tool has loaded its own meanwhile");
}

/* What is looked at right before the call, whenever that is made. */
struct last_look {
	const struct crash_state *state;
	uint8_t *headers; /* room for them; NULL: the kernel does not change them */
};

static int look(const void *context, struct error *err)
{
	const struct last_look *l = context;
	const struct crash_state *s = l->state;
	const struct segment *part =
		plan_find(&s->recipe.plan, PURGATORY_KIND_ELFCOREHDR);
	int ret = loaded_check_tag(&s->kcore, &s->recipe, err);

	if (ret || !l->headers)
		return ret;
	ret = kcore_read(&s->kcore, part->addr, l->headers, part->mem_size, err);
	if (!ret && memcmp(l->headers, ELFMAG, SELFMAG))
		ret = error_set(err, ENOTSUP, "the ELF core headers are damaged");
	return ret;
}

/* The plan of the dynamic block alone; its blocks are still the recipe's. */
static struct plan dynamic_plan(const struct plan *all)
{
	struct plan p = *all;

	p.nr_segments = 0;
	for (size_t i = 0; i < all->nr_segments; i++)
		if (plan_is_dynamic(all->segments[i].kind))
			p.segments[p.nr_segments++] = all->segments[i];
	return p;
}

static int load_dynamic(struct crash_state *s, struct refresh_result *out,
			bool *other_way, struct error *err)
{
	_cleanup_free_ uint8_t *headers = NULL;
	struct plan plan = dynamic_plan(&s->recipe.plan);
	/* another tool may have loaded its own since it was proven that we had not */
	struct last_look last = { s, NULL };
	const struct load_guard guard = { look, &last };
	struct secret page = { 0 };
	double start;
	int ret;

	ret = make_room_for_headers(&plan, &headers, err);
	last.headers = headers;
	if (!ret)
		ret = seed_wait(s->recipe.options.seed_timeout, err);
	if (!ret)
		seed_stir();
	if (!ret)
		ret = secret_map(PAGE, &page, err);
	if (ret)
		return ret;
	start = now();
	ret = lend_and_load(&plan, &page, KEXEC_TARGET_CRASH, &guard, other_way, err);
	out->window = now() - start;
	/* the recipe's block is as it was read again */
	seal_forget_seed((void *)plan.purgatory_block);
	return ret;
}

/*
 * To read the files takes a while, and so may another tool's load that ours has to wait
 * for: what that has loaded is not ours to replace. What could not be proven before, or
 * cannot be read now, is no reason.
 */
static int is_still_so(const void *context, struct error *err)
{
	const struct crash_state *s = context;
	struct error ignored;
	int ret = 0;

	if (!s->loaded && kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored) > 0)
		return error_set(err, ENODATA,
				 "another tool has loaded its own meanwhile");
	if (s->proven)
		ret = s->method == CRASH_KEXEC_LOAD
			      ? loaded_check_tag(&s->kcore, &s->recipe, err)
			      : loaded_prove(&s->kcore, &s->recipe, err);
	return ret == -ENODATA ? ret : 0;
}

static void tell_fresh(const struct refresh_request *req, enum refresh_way way)
{
	if (req->fresh)
		req->fresh(req->context, way);
}

/* Everything from the files, which must be what they were. */
static int reload(const struct recipe_dir *dir, const struct crash_state *s,
		  const struct refresh_request *req, struct refresh_result *out,
		  struct error *err)
{
	const struct load_guard guard = { is_still_so, s };
	double start = now();
	int ret = run_reload(dir, &s->recipe, req->source, &guard, err);

	out->window = now() - start;
	if (ret)
		return ret;
	out->way = REFRESH_FULL;
	out->count = s->recipe.refreshes + 1;
	tell_fresh(req, out->way);
	return 0;
}

static void note(const char *what, const struct error *err)
{
	fprintf(stderr, "kexec-seed: %s: %s\n", what, err->text);
}

/* Whether a refresh by halves may be tried; the line says why not. */
static int may_be_dynamic(const struct crash_state *s, const struct refresh_request *req,
			  struct error *err)
{
	int ret;

	if (req->full)
		return error_set(err, ENOTSUP, "--full");
	if (s->method != CRASH_KEXEC_LOAD)
		return error_set(err, ENOTSUP, "it was loaded with kexec_file_load");
	if (!s->proven) {
		*err = s->why;
		error_prefix(err, "what is loaded cannot be proven");
		return -ENOTSUP;
	}
	if (!s->recipe.plan.has_seed)
		return error_set(err, ENOTSUP, "it was loaded without a seed");
	ret = refusal_foresee_load(err);
	return ret ? ret : check_hole(s, err);
}

/*
 * After a load of the dynamic block: did everybody keep out of what lies above it? If not,
 * the image is of no use: it is unloaded, and the caller loads all of it again. Unless
 * another tool has loaded after us: that image is none of our business.
 */
static int finish_dynamic(const struct crash_state *s, const struct samples *before,
			  struct refresh_result *out, struct error *err)
{
	struct error tag, why;
	int ret = loaded_check_neighbour(&s->kcore, &s->recipe, err);

	if (!ret)
		ret = check_samples(s, before, err);
	if (loaded_check_tag(&s->kcore, &s->recipe, &tag) == -ENODATA) {
		*err = tag;
		return -ENODATA;
	}
	if (ret == -EBADMSG) {
		/* the refresh may have been the last call that the kernel takes */
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
		note("the refreshed image was not looked at", err);
	out->way = REFRESH_DYNAMIC;
	out->count = s->recipe.refreshes + 1;
	return 0;
}

/*
 * The recipe with this refresh in it. A full /run is no reason to keep an old seed: the
 * recipe that is there is right either way.
 */
static void count(const struct recipe_dir *dir, const struct crash_state *s,
		  const char *source)
{
	struct recipe r = s->recipe; /* owns nothing */
	struct error err;

	r.refreshes++;
	clock_gettime(CLOCK_REALTIME, &r.refreshed);
	snprintf(r.source, sizeof(r.source), "%s", source);
	if (recipe_write(dir, RECIPE_CURRENT, &r, &err))
		note(NOT_COUNTED, &err);
}

static int dynamic(const struct recipe_dir *dir, struct crash_state *s,
		   const struct refresh_request *req, struct refresh_result *out,
		   struct error *err)
{
	struct samples before;
	bool other_way = false, marked;
	struct error ignored;
	int ret;

	ret = take_samples(s, &before, err);
	if (ret)
		return ret;
	marked = !recipe_mark(dir, err);
	if (!marked)
		note(NOT_COUNTED, err);
	ret = load_dynamic(s, out, &other_way, err);
	if (!ret)
		ret = finish_dynamic(s, &before, out, err);
	if (!ret)
		tell_fresh(req, out->way);
	if (!ret && marked)
		count(dir, s, req->source);
	/* what is lost is marked until it is there again: this may be killed meanwhile */
	if (ret && (other_way || !kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored))) {
		note("loading all of it again", err);
		ret = reload(dir, s, req, out, err);
	}
	/* not the recipe of what was loaded again, if it could not become the current one */
	if (marked)
		recipe_unmark(dir);
	return ret;
}

/*
 * What an interrupted one has left: the recipe of what is loaded becomes current. Where /run
 * is read-only meanwhile it does so another time; the seed need not wait for that.
 */
static void mend(const struct recipe_dir *dir, struct crash_state *s)
{
	struct error err;
	int ret;

	if (!s->interrupted || !s->proven)
		return;
	s->interrupted = false;
	/* where kexec_file_load() has put it was found only now: the file does not have it */
	if (s->slot == RECIPE_NEXT && s->method == CRASH_KEXEC_FILE_LOAD)
		recipe_write(dir, RECIPE_NEXT, &s->recipe, &err);
	ret = s->slot == RECIPE_NEXT ? recipe_promote(dir, &err)
				     : recipe_remove(dir, RECIPE_NEXT, &err);
	if (ret)
		note("what an interrupted load has left stays", &err);
}

static int refuse(const struct crash_state *s, struct refresh_result *out,
		  struct error *err)
{
	out->verdict = s->loaded ? REFRESH_FOREIGN : REFRESH_NOTHING_LOADED;
	if (s->loaded) {
		*err = s->why;
		error_prefix(
			err,
			"the loaded crash kernel was not loaded by kexec of kexec-seed "
			"(kexec -p loads one that can be refreshed; for this one, see "
			"reload-command in kexec-seed.conf(5))");
		return -ENODATA;
	}
	if (!s->has_recipe)
		return error_set(err, ENOENT,
				 "no crash kernel is loaded: load one with kexec -p");
	return error_set(
		err, ENOENT,
		"no crash kernel is loaded: it was unloaded, or a later load has "
		"failed; --full loads it again");
}

/* Nothing is loaded: is it for us to change that? */
static bool may_restore(const struct crash_state *s, const struct refresh_request *req)
{
	return s->has_recipe && (s->interrupted || req->full || req->restore);
}

static int refresh_loaded(const struct recipe_dir *dir, const struct refresh_request *req,
			  struct refresh_result *out, struct crash_state *s,
			  struct error *err)
{
	mend(dir, s);
	if (!may_be_dynamic(s, req, err))
		return dynamic(dir, s, req, out, err);
	if (!req->full)
		note("loading all of it again", err);
	return reload(dir, s, req, out, err);
}

static int refresh(const struct recipe_dir *dir, const struct refresh_request *req,
		   struct refresh_result *out, struct crash_state *s, struct error *err)
{
	int ret = crash_state_read(dir, s, err);

	if (ret)
		return ret;
	out->lost = s->loaded ? s->method != CRASH_FOREIGN : may_restore(s, req);
	if (!out->lost) /* ours it is, or shall be; whether it is lost, the end finds out */
		return refuse(s, out, err);
	if (!s->loaded)
		return reload(dir, s, req, out, err);
	if (s->recipe.options.seed != SEED_OFF)
		return refresh_loaded(dir, req, out, s, err);
	out->verdict = REFRESH_SEED_OFF;
	return error_set(err, ENODATA,
			 "the crash kernel was loaded with --seed=off: there is nothing "
			 "to refresh");
}

int refresh_run(const struct refresh_request *req, struct refresh_result *out,
		struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct crash_state s = { .kcore = KCORE_NONE };
	double start = now();
	struct error ignored;
	int ret;

	/* as long as nobody has looked, what was lost still is */
	*out = (struct refresh_result){ .lost = req->restore };
	ret = recipe_dir_open(req->dir ? req->dir : RECIPE_DIR, req->seconds, &dir, err);
	if (!ret)
		ret = refresh(&dir, req, out, &s, err);
	crash_state_free(&s);
	recipe_dir_close(&dir);
	out->loaded = kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored) > 0;
	out->lost = out->lost && !out->loaded;
	out->seconds = now() - start;
	return ret;
}
