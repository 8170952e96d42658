// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/crash_state.h"

#include "load/kexec_load.h"
#include "load/readback.h"

#include <errno.h>

const char *crash_method_name(enum crash_method method)
{
	switch (method) {
	case CRASH_KEXEC_LOAD:
		return "kexec_load";
	case CRASH_KEXEC_FILE_LOAD:
		return "kexec_file_load";
	case CRASH_FOREIGN:
		return "foreign";
	case CRASH_NONE:
		break;
	}
	return "none";
}

/* Moves @r into the state and sets the method accordingly. */
static void take(struct crash_state *s, struct recipe *r, enum recipe_state which)
{
	recipe_free(&s->recipe);
	s->recipe = *r;
	*r = (struct recipe){ 0 };
	s->state = which;
	s->has_recipe = true;
	s->method = s->recipe.method == RECIPE_KEXEC_LOAD ? CRASH_KEXEC_LOAD
							  : CRASH_KEXEC_FILE_LOAD;
}

/* A kexec_file_load() load ended before its image was located: search for it now. */
static int look_for_files(struct crash_state *s, struct recipe *r)
{
	int ret = recipe_find_file_load(r, &s->kcore, r->request.cmdline, &s->why);

	return ret == -ENOENT ? -ENODATA : ret;
}

/*
 * Reads one recipe and compares memory with it. True if it describes the loaded image. If
 * that cannot be determined, the image may be another tool's: the kernel reports neither
 * when it was loaded, nor by whom.
 */
static bool try_recipe(const struct recipe_dir *dir, enum recipe_state which,
		       const uint8_t *boot_id, struct crash_state *s)
{
	struct recipe r = { 0 };
	struct error err;
	int ret = recipe_read(dir, which, boot_id, &r, &err);

	if (ret) {
		if (which == RECIPE_CURRENT && !s->has_recipe)
			s->why = err;
		return false;
	}
	if (!s->loaded && !s->has_recipe)
		take(s, &r, which);
	if (!s->loaded || s->kcore.fd < 0) {
		s->unproven = s->loaded;
		recipe_free(&r);
		return false;
	}
	ret = image_matches(&s->kcore, &r, &s->why);
	if (ret == -ENOTSUP && which == RECIPE_PENDING)
		ret = look_for_files(s, &r);
	s->verified = !ret;
	/* hidden as a whole, after a load that ended halfway: it can only be reloaded */
	s->hidden = ret == -EAGAIN && image_is_laid_out(&s->kcore, &r.plan);
	if (!ret || ret == -EBADMSG || s->hidden)
		take(s, &r, which);
	else if (ret != -ENODATA)
		s->unproven = true;
	recipe_free(&r);
	return s->has_recipe;
}

static bool is_interrupted(const struct recipe_dir *dir, const uint8_t *boot_id)
{
	struct recipe next = { 0 };
	struct error ignored;
	int ret = recipe_read(dir, RECIPE_PENDING, boot_id, &next, &ignored);

	recipe_free(&next);
	return !ret || ret == -ENODATA;
}

static int find_recipe(const struct recipe_dir *dir, struct crash_state *s,
		       struct error *err)
{
	bool compare = s->loaded && s->kcore.fd >= 0;
	enum recipe_state first = compare ? RECIPE_CURRENT : RECIPE_PENDING;
	uint8_t boot_id[BOOT_ID_SIZE];
	int ret;

	if (dir->fd < 0) {
		error_set(&s->why, ENOENT, "no recipe in %s", RUN_DIR);
		return 0;
	}
	ret = boot_id_read("", boot_id, err);
	if (ret)
		return ret;
	s->interrupted = is_interrupted(dir, boot_id);
	/* if both match they differ only in counters: prefer the lower */
	if (!try_recipe(dir, first, boot_id, s))
		try_recipe(dir, compare ? RECIPE_PENDING : RECIPE_CURRENT, boot_id, s);
	return 0;
}

int crash_state_read(const struct recipe_dir *dir, struct crash_state *out,
		     struct error *err)
{
	struct crash_state *s = out;
	int loaded = kexec_is_loaded(KEXEC_TARGET_CRASH, err);
	int ret;

	*s = (struct crash_state){ .kcore = KCORE_NONE };
	if (loaded < 0)
		return loaded;
	s->loaded = loaded;
	if (loaded)
		kcore_open(KCORE_PATH, &s->kcore, &s->why);
	ret = find_recipe(dir, s, err);
	if (!s->loaded)
		s->method = CRASH_NONE;
	else if (!s->has_recipe)
		s->method = CRASH_FOREIGN;
	s->unproven &= s->method == CRASH_FOREIGN;
	if (s->verified)
		s->why = (struct error){ "" };
	return ret;
}

void crash_state_free(struct crash_state *s)
{
	recipe_free(&s->recipe);
	kcore_close(&s->kcore);
}
