// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/state.h"

#include "load/kexec_load.h"
#include "load/loaded.h"

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

/* Makes @r the state's recipe, and what it says the method. */
static void take(struct crash_state *s, struct recipe *r, enum recipe_slot slot)
{
	recipe_free(&s->recipe);
	s->recipe = *r;
	*r = (struct recipe){ 0 };
	s->slot = slot;
	s->has_recipe = true;
	s->method = s->recipe.method == RECIPE_KEXEC_LOAD ? CRASH_KEXEC_LOAD
							  : CRASH_KEXEC_FILE_LOAD;
}

/* Of a load with kexec_file_load() that ended before it could look: is it there? */
static int look_for_files(struct crash_state *s, struct recipe *r)
{
	int ret = loaded_find(&s->kcore, r->region, r->options.append, r, &s->why);

	return ret == -ENOENT ? -ENODATA : ret;
}

/*
 * Reads one recipe and compares memory with it. True when the question is answered: the
 * recipe is that of the loaded image.
 */
static bool try_recipe(const struct recipe_dir *dir, enum recipe_slot slot,
		       const uint8_t *boot_id, struct crash_state *s)
{
	struct recipe r = { 0 };
	struct error err;
	int ret = recipe_read(dir, slot, boot_id, &r, &err);

	if (ret) {
		if (slot == RECIPE_CURRENT && !s->has_recipe)
			s->why = err;
		return false;
	}
	if (!s->loaded || s->kcore.fd < 0) {
		if (!s->has_recipe)
			take(s, &r, slot);
		recipe_free(&r);
		return false;
	}
	ret = loaded_prove(&s->kcore, &r, &s->why);
	if (ret == -ENOTSUP && slot == RECIPE_NEXT)
		ret = look_for_files(s, &r);
	s->proven = !ret;
	if (ret != -ENODATA)
		take(s, &r, slot);
	recipe_free(&r);
	return ret != -ENODATA;
}

static bool is_interrupted(const struct recipe_dir *dir, const uint8_t *boot_id)
{
	struct recipe next = { 0 };
	struct error ignored;
	int ret;

	if (!recipe_exists(dir, RECIPE_NEXT))
		return false;
	ret = recipe_read(dir, RECIPE_NEXT, boot_id, &next, &ignored);
	recipe_free(&next);
	return !ret || ret == -ENODATA;
}

static int find_recipe(const struct recipe_dir *dir, struct crash_state *s,
		       struct error *err)
{
	bool compare = s->loaded && s->kcore.fd >= 0;
	enum recipe_slot first = compare ? RECIPE_CURRENT : RECIPE_NEXT;
	uint8_t boot_id[RECIPE_ID_SIZE];
	int ret;

	if (dir->fd < 0) {
		error_set(&s->why, ENOENT, "there is no recipe in %s", RECIPE_DIR);
		return 0;
	}
	ret = boot_id_read("", boot_id, err);
	if (ret)
		return ret;
	s->interrupted = is_interrupted(dir, boot_id);
	/* of two that fit, which only counts differ, the one that claims less */
	if (!try_recipe(dir, first, boot_id, s))
		try_recipe(dir, compare ? RECIPE_NEXT : RECIPE_CURRENT, boot_id, s);
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
	if (s->proven)
		s->why = (struct error){ "" };
	return ret;
}

void crash_state_free(struct crash_state *s)
{
	recipe_free(&s->recipe);
	kcore_close(&s->kcore);
}
