// SPDX-License-Identifier: GPL-2.0-only
/* kexec-seed status: what is loaded, how, since when; is the daemon there? */
#include "kexec_seed/subcommand.h"
#include "kexec_seed/daemon_state.h"
#include "kexec_seed/out.h"
#include "plan/plan.h"
#include "kexec_seed/state.h"

#include <errno.h>

/* Seconds. */
#define LOCK_WAIT 5

static void tell_slot(struct out *o, uint64_t addr)
{
	out_object(o, NULL);
	out_address(o, "addr", addr);
	out_number(o, "len", SEED_SIZE);
	out_end(o);
}

/* Where the seed's bytes are; never which. */
static void tell_slots(struct out *o, const struct crash_state *s)
{
	const struct segment *seed = plan_find(&s->recipe.plan, PURGATORY_KIND_SEED);

	out_list(o, "seed_slots");
	if (s->loaded && s->has_recipe && seed)
		tell_slot(o, seed->addr + sizeof(struct seed_header));
	if (s->loaded && s->has_recipe && s->recipe.seed_node)
		tell_slot(o, s->recipe.seed_node + sizeof(struct seed_header));
	out_end(o);
}

static void tell_recipe(struct out *o, const struct recipe *r)
{
	out_text(o, "kernel", r->options.kernel);
	out_text(o, "initrd", r->options.initrd);
	out_text(o, "command_line", r->options.append);
	out_time(o, "since", r->loaded);
	out_number(o, "refreshes", r->refreshes);
	out_time(o, "last_refresh", r->refreshed);
	out_text(o, "last_source", r->source[0] ? r->source : NULL);
}

static void tell_crash(struct out *o, const struct crash_state *s)
{
	static const struct recipe none;

	out_object(o, "crash");
	out_bool(o, "loaded", s->loaded);
	out_text(o, "method", crash_method_name(s->method));
	out_bool(o, "proven", s->proven);
	out_text(o, "why", s->why.text[0] && s->loaded ? s->why.text : NULL);
	out_bool(o, "interrupted", s->interrupted);
	tell_recipe(o, s->loaded && s->has_recipe ? &s->recipe : &none);
	tell_slots(o, s);
	out_end(o);
}

static void tell_daemon(struct out *o)
{
	struct daemon_state d;
	struct error ignored;

	daemon_state_read(DAEMON_RUN, &d, &ignored);
	out_object(o, "daemon");
	out_bool(o, "running", d.running);
	out_object(o, "sources");
	for (size_t i = 0; d.running && i < d.nr_sources; i++)
		out_text(o, d.sources[i].name, d.sources[i].state);
	out_end(o);
	out_end(o);
}

static int tell(const struct crash_state *s, bool json, struct error *err)
{
	struct out *o = out_open(json, err);

	if (!o)
		return EXIT_FAILED;
	tell_crash(o, s);
	tell_daemon(o);
	return out_close(o, err) ? EXIT_FAILED : EXIT_DONE;
}

/* With the lock if that can be had soon: in the middle of a load nothing fits together. */
static int look(struct recipe_dir *dir, struct error *err)
{
	struct error ignored;
	int ret = recipe_dir_look(RECIPE_DIR, dir, err);

	if (ret)
		return ret;
	recipe_dir_close(dir);
	if (recipe_dir_open(RECIPE_DIR, LOCK_WAIT, dir, &ignored) == 0)
		return 0;
	return recipe_dir_look(RECIPE_DIR, dir, err);
}

int command_status(int argc, char **argv, struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct crash_state s = { .kcore = KCORE_NONE };
	bool json = false;
	int ret;

	if (subcommand_json(argc, argv, &json, err))
		return EXIT_USAGE;
	ret = look(&dir, err);
	if (ret && ret != -ENOENT)
		return EXIT_FAILED;
	ret = crash_state_read(&dir, &s, err) ? EXIT_FAILED : tell(&s, json, err);
	crash_state_free(&s);
	recipe_dir_close(&dir);
	return ret;
}
