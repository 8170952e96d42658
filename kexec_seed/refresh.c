// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/refresh.h"

#include "base/units.h"
#include "kexec_seed/refresh_segments.h"
#include "load/load.h"
#include "load/readback.h"
#include "load/refusal.h"
#include "load/remedy.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define NOT_COUNTED "this refresh is not counted"

static void tell_fresh(const struct refresh_request *req, enum refresh_mode mode)
{
	if (req->fresh)
		req->fresh(req->context, mode);
}

/*
 * Another tool may load its own image while we read the files or wait for its load to
 * end; that image must not be replaced. A damaged image, or one that cannot be read now,
 * does not block the reload.
 */
static int is_unchanged(const void *context, struct error *err)
{
	const struct crash_state *s = context;
	struct error ignored;
	int ret = 0;

	if (!s->loaded && kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored) > 0)
		return error_set(err, ENODATA, "another tool has loaded its own image");
	if (s->verified)
		ret = s->method == CRASH_KEXEC_LOAD
			      ? image_check_id(&s->kcore, &s->recipe, err)
			      : image_matches(&s->kcore, &s->recipe, err);
	return ret == -ENODATA ? ret : 0;
}

/* Reloads the whole image from its files, which must be unchanged. */
static int reload(const struct recipe_dir *dir, const struct crash_state *s,
		  const struct refresh_request *req, struct refresh_result *out,
		  struct error *err)
{
	const struct load_guard guard = { is_unchanged, s };
	struct load_io io = { .progress_fd = -1, .notes = out->notes };
	double start = monotonic_now();
	int ret = load_again(dir, &s->recipe, req->source, &guard, &io, err);

	out->window = monotonic_now() - start;
	out->notes = io.notes;
	if (ret)
		return ret;
	out->mode = REFRESH_FULL;
	out->count = s->recipe.refreshes + 1;
	tell_fresh(req, out->mode);
	return 0;
}

/*
 * Counts this refresh in the recipe. Failing to write it (full /run) is not fatal: the
 * new seed is loaded and the old recipe still describes the image.
 */
static void count(const struct recipe_dir *dir, const struct crash_state *s,
		  const struct generation *generation, const char *source,
		  struct notes *notes)
{
	struct recipe r = s->recipe; /* owns nothing */
	struct error err;

	r.refreshes++;
	r.generation = *generation;
	clock_gettime(CLOCK_REALTIME, &r.refreshed);
	snprintf(r.source, sizeof(r.source), "%s", source);
	if (recipe_write(dir, RECIPE_CURRENT, &r, &err))
		notes_add_error(notes, NOT_COUNTED, &err);
}

/*
 * The seed is fresh, but memory may have been added or removed in between. If all of the
 * image cannot be loaded again, it stays as refreshed.
 */
static int follow_memory(const struct recipe_dir *dir, const struct crash_state *s,
			 const struct refresh_request *req, struct refresh_result *out,
			 struct error *err)
{
	struct error why;
	int ret = refresh_check_memory(s, &why);

	if (!ret)
		return 0;
	if (ret != -ENOTSUP) {
		notes_add_error(&out->notes, "the ELF core headers were not checked",
				&why);
		return 0;
	}
	notes_add_error(&out->notes, "loading all of it again", &why);
	ret = reload(dir, s, req, out, err);
	if (!ret || kexec_is_loaded(KEXEC_TARGET_CRASH, &why) <= 0)
		return ret;
	notes_add(&out->notes,
		  "the crash kernel has a fresh seed, but would not dump the memory that "
		  "was added: load it again with %s: %s",
		  remedy_reload(""), err->text);
	return 0;
}

/*
 * Removes only an empty pending recipe, not that of a reload that failed to commit.
 * Returns @ret.
 */
static int end_in_place(const struct recipe_dir *dir, bool begun, int ret)
{
	if (begun)
		recipe_end_refresh(dir);
	return ret;
}

static int refresh_in_place(const struct recipe_dir *dir, struct crash_state *s,
			    const struct refresh_request *req, struct refresh_result *out,
			    struct error *err)
{
	bool may_fall_back = false, begun = !recipe_begin_refresh(dir, err);
	struct generation generation;
	struct error ignored;
	int ret;

	/* before the seed is drawn: a fork in between must show later */
	generation_read("", s->recipe.generation.addr, &generation);

	if (!begun)
		notes_add_error(&out->notes, NOT_COUNTED, err);
	ret = refresh_segments(s, out, &may_fall_back, err);
	if (!ret)
		tell_fresh(req, out->mode);
	if (!ret && begun)
		count(dir, s, &generation, req->source, &out->notes);
	if (!ret)
		return end_in_place(dir, begun, follow_memory(dir, s, req, out, err));
	/*
	 * keep the empty pending recipe until the reload is done: we may be killed before
	 */
	if (ret && (may_fall_back || !kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored))) {
		notes_add_error(&out->notes, "loading all of it again", err);
		ret = reload(dir, s, req, out, err);
	}
	return end_in_place(dir, begun, ret);
}

/*
 * 0 if the segments can be refreshed in place. -ENOTSUP, or another negative errno, with
 * the reason for a full reload.
 */
static int check_in_place(const struct crash_state *s, const struct refresh_request *req,
			  struct error *err)
{
	int ret;

	if (req->full)
		return error_set(err, ENOTSUP, "--full");
	if (s->recipe.outdated)
		return error_set(err, ENOTSUP, "an older version of kexec has loaded it");
	if (s->method != CRASH_KEXEC_LOAD)
		return error_set(err, ENOTSUP, "it was loaded with kexec_file_load");
	if (!s->verified) {
		*err = s->why;
		error_prefix(err, "the loaded image cannot be verified");
		return -ENOTSUP;
	}
	if (!s->recipe.plan.has_seed)
		return error_set(err, ENOTSUP, "it was loaded without a seed");
	ret = refusal_foresee_load("", err);
	return ret ? ret : refresh_check_reserve(s, err);
}

/*
 * After an interrupted load, commits the recipe of the loaded image. If /run is
 * read-only, a later refresh does so; the new seed does not depend on it.
 */
static void repair_journal(const struct recipe_dir *dir, struct crash_state *s,
			   struct notes *notes)
{
	struct error err;
	int ret;

	if (!s->interrupted || !s->verified)
		return;
	s->interrupted = false;
	/* the image of kexec_file_load() was located only now: store its addresses */
	if (s->state == RECIPE_PENDING && s->method == CRASH_KEXEC_FILE_LOAD)
		recipe_write(dir, RECIPE_PENDING, &s->recipe, &err);
	ret = s->state == RECIPE_PENDING ? recipe_commit(dir, &err)
					 : recipe_remove(dir, RECIPE_PENDING, &err);
	if (ret)
		notes_add_error(notes, "the leftovers of an interrupted load stay", &err);
}

static int refuse(const struct crash_state *s, struct refresh_result *out,
		  struct error *err)
{
	out->skipped = s->loaded ? REFRESH_FOREIGN : REFRESH_NOTHING_LOADED;
	if (s->loaded) {
		*err = s->why;
		error_prefix(err,
			     s->unproven
				     ? "whether kexec of kexec-seed has loaded the crash "
				       "kernel cannot be told, so it stays (%s loads a "
				       "new one; for the daemon, see reload-command in "
				       "kexec-seed.conf(5))"
				     : "the loaded crash kernel was not loaded by kexec "
				       "of kexec-seed (%s loads one that can be "
				       "refreshed; for this one, see reload-command in "
				       "kexec-seed.conf(5))",
			     remedy_reload(""));
		return -ENODATA;
	}
	if (!s->has_recipe)
		return error_set(err, ENOENT,
				 "no crash kernel is loaded: load one with %s",
				 remedy_reload(""));
	return error_set(
		err, ENOENT,
		"no crash kernel is loaded: it was unloaded, or a later load has "
		"failed; --full loads it again");
}

/* Nothing is loaded: true if a reload was requested or the last load was interrupted. */
static bool may_restore(const struct crash_state *s, const struct refresh_request *req)
{
	return s->has_recipe && !req->if_lacking &&
	       (s->interrupted || req->full || req->restore);
}

static int refresh_loaded(const struct recipe_dir *dir, const struct refresh_request *req,
			  struct refresh_result *out, struct crash_state *s,
			  struct error *err)
{
	repair_journal(dir, s, &out->notes);
	if (!check_in_place(s, req, err))
		return refresh_in_place(dir, s, req, out, err);
	if (!req->full)
		notes_add_error(&out->notes, "loading all of it again", err);
	return reload(dir, s, req, out, err);
}

/*
 * True if the recipe shows that the machine was not forked since the image's seed was
 * drawn, and nothing else is wrong with the image.
 */
static bool is_fresh(const struct crash_state *s, const struct refresh_request *req,
		     struct refresh_result *out)
{
	const struct generation *then = &s->recipe.generation;
	enum generation_change change;
	struct generation now;

	bool lacking = s->interrupted || s->recipe.outdated || !s->verified ||
		       (s->method == CRASH_KEXEC_LOAD && !s->recipe.plan.has_seed);

	if (lacking || (!req->if_forked && !req->if_lacking))
		return false;
	generation_read("", then->addr, &now);
	change = generation_compare(then, &now);
	if (req->if_lacking) /* drawn at the load, and forks are events */
		return change != GENERATION_CHANGED;
	out->blind = !generation_is_known(&now);
	return change == GENERATION_SAME;
}

static int refresh(const struct recipe_dir *dir, const struct refresh_request *req,
		   struct refresh_result *out, struct crash_state *s, struct error *err)
{
	int ret = crash_state_read(dir, s, err);

	if (ret)
		return ret;
	/* provisional; refresh_run() clears it if something is loaded at the end */
	out->unloaded = s->loaded ? s->method != CRASH_FOREIGN : may_restore(s, req);
	if (!out->unloaded)
		return refuse(s, out, err);
	if (!s->loaded)
		return reload(dir, s, req, out, err);
	if (s->recipe.request.seed == SEED_OFF) {
		out->skipped = REFRESH_SEED_OFF;
		return error_set(err, ENODATA,
				 "the crash kernel was loaded with --seed=off: nothing "
				 "to refresh");
	}
	if (!is_fresh(s, req, out))
		return refresh_loaded(dir, req, out, s, err);
	out->skipped = REFRESH_NOT_FORKED;
	return 0;
}

int refresh_run(const struct refresh_request *req, struct refresh_result *out,
		struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct crash_state s = { .kcore = KCORE_NONE };
	double start = monotonic_now();
	struct error ignored;
	int ret, loaded;

	/* until the state is read, an image that an earlier refresh unloaded still is */
	*out = (struct refresh_result){ .unloaded = req->restore };
	ret = recipe_dir_open(req->dir ? req->dir : RUN_DIR, req->seconds, &dir, err);
	if (!ret)
		ret = refresh(&dir, req, out, &s, err);
	crash_state_free(&s);
	recipe_dir_close(&dir);
	loaded = kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored);
	out->loaded = loaded < 0 ? out->mode != REFRESH_NONE : loaded;
	out->unloaded = out->unloaded && !out->loaded;
	out->seconds = monotonic_now() - start;
	return ret;
}
