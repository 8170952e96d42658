// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec-seed status: which image is loaded, how and since when, where is the VM
 * generation ID, and is the daemon running?
 */
#include "arch/arch.h"
#include "base/report.h"
#include "kexec_seed/crash_state.h"
#include "kexec_seed/daemon/state.h"
#include "kexec_seed/subcommand.h"
#include "machine/machine.h"

#include <errno.h>
#include <string.h>

/* Timeout for the lock, in seconds. */
#define LOCK_WAIT 5

static void tell_slot(struct report *o, uint64_t addr)
{
	report_object(o, NULL);
	report_address(o, "addr", addr);
	report_number(o, "len", SEED_SIZE);
	report_end(o);
}

/* Reports addresses of the seed, never its bytes. */
static void tell_slots(struct report *o, const struct crash_state *s)
{
	uint64_t addr = plan_seed_addr(&s->recipe.plan);

	report_list(o, "seed_slots");
	if (s->loaded && s->has_recipe && addr)
		tell_slot(o, addr);
	if (s->loaded && s->has_recipe && s->recipe.seed_node)
		tell_slot(o, s->recipe.seed_node + arch_seed_offset);
	report_end(o);
}

static void tell_recipe(struct report *o, const struct recipe *r)
{
	report_text(o, "kernel", r->request.kernel);
	report_text(o, "initrd", r->request.initrd);
	report_text(o, "command_line", r->request.cmdline);
	report_time(o, "since", r->loaded);
	report_number(o, "refreshes", r->refreshes);
	report_time(o, "last_refresh", r->refreshed);
	report_text(o, "last_source", r->source[0] ? r->source : NULL);
}

/* What the crash kernel makes of its seed; without one it may be told to credit none. */
static void tell_seed(struct report *o, const struct recipe *r)
{
	const struct purgatory_params *p = plan_purgatory(&r->plan);

	if (r->plan.boot_data)
		report_bool(o, "trust_bootloader",
			    r->plan.has_seed ||
				    !strstr(plan_command_line(&r->plan), PLAN_DISTRUST));
	else
		report_text(o, "trust_bootloader", NULL);
	report_bool(o, "kernel_memory", p && plan_kernel_memory(p));
}

static void tell_crash(struct report *o, const struct crash_state *s)
{
	static const struct recipe none;
	const struct recipe *r = s->loaded && s->has_recipe ? &s->recipe : &none;

	report_object(o, "crash");
	report_bool(o, "loaded", s->loaded);
	report_text(o, "method", crash_method_name(s->method));
	report_bool(o, "proven", s->verified);
	report_text(o, "why", s->why.text[0] && s->loaded ? s->why.text : NULL);
	report_bool(o, "interrupted", s->interrupted);
	tell_recipe(o, r);
	tell_seed(o, r);
	tell_slots(o, s);
	report_end(o);
}

static void tell_daemon(struct report *o)
{
	struct daemon_state d;
	struct error ignored;

	daemon_state_read(RUN_DIR, &d, &ignored);
	report_object(o, "daemon");
	report_bool(o, "running", d.running);
	report_object(o, "sources");
	for (size_t i = 0; d.running && i < d.nr_sources; i++)
		report_text(o, d.sources[i].name, d.sources[i].state);
	report_end(o);
	report_end(o);
}

/* As the daemon and the next load find it; another load may have been told an address. */
static void tell_generation_id(struct report *o)
{
	const struct vmgenid *v;
	struct machine m;
	struct error err;
	int ret = machine_read("", &m, &err);

	v = &m.vmgenid;
	report_object(o, "generation_id");
	report_bool(o, "found", !ret && v->state == VMGENID_FOUND);
	if (!ret && v->state == VMGENID_FOUND)
		report_address(o, "addr", v->addr);
	else
		report_text(o, "addr", NULL);
	report_text(o, "hypervisor", !ret && v->hypervisor[0] ? v->hypervisor : NULL);
	report_text(o, "from", !ret && v->from[0] ? v->from : NULL);
	report_text(o, "why", ret ? err.text : v->why[0] ? v->why : NULL);
	report_end(o);
	if (!ret)
		machine_free(&m);
}

static int tell(const struct crash_state *s, bool json, struct error *err)
{
	struct report *o = report_open(json, err);

	if (!o)
		return EXIT_FAILED;
	tell_crash(o, s);
	tell_generation_id(o);
	tell_daemon(o);
	return report_close(o, err) ? EXIT_FAILED : EXIT_DONE;
}

/* Takes the lock if possible: during a load the state is inconsistent. */
static int look(struct recipe_dir *dir, struct error *err)
{
	struct error ignored;
	int ret = recipe_dir_look(RUN_DIR, dir, err);

	if (ret)
		return ret;
	recipe_dir_close(dir);
	if (recipe_dir_open(RUN_DIR, LOCK_WAIT, dir, &ignored) == 0)
		return 0;
	return recipe_dir_look(RUN_DIR, dir, err);
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
