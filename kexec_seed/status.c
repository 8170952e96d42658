// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec-seed status: does the loaded crash kernel start with a seed of its own? Which
 * image is it, how and since when, where is the VM generation ID, and is the daemon
 * running?
 */
#include "arch/arch.h"
#include "base/report.h"
#include "kexec_seed/crash_state.h"
#include "kexec_seed/daemon/state.h"
#include "kexec_seed/protection.h"
#include "kexec_seed/subcommand.h"
#include "machine/machine.h"

#include <errno.h>
#include <stdio.h>
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

/* @hidden: the recipes cannot be read, so nothing shows whose the image is. */
static void tell_proof(struct report *o, const struct crash_state *s, bool hidden)
{
	if (hidden) {
		report_text(o, "method", NULL);
		report_text(o, "proven", NULL);
		return;
	}
	report_text(o, "method", crash_method_name(s->method));
	report_bool(o, "proven", s->verified);
}

static void tell_crash(struct report *o, const struct crash_state *s,
		       const struct protection *p, bool hidden)
{
	static const struct recipe none;
	const struct recipe *r = s->loaded && s->has_recipe ? &s->recipe : &none;

	report_object(o, "crash");
	report_bool(o, "loaded", s->loaded);
	tell_proof(o, s, hidden && s->loaded);
	report_text(o, "why", s->why.text[0] && s->loaded ? s->why.text : NULL);
	report_bool(o, "interrupted", s->interrupted);
	tell_recipe(o, r);
	if (p->files_known)
		report_bool(o, "files_unchanged", !p->files.text[0]);
	else
		report_text(o, "files_unchanged", NULL);
	tell_seed(o, r);
	tell_slots(o, s);
	report_end(o);
}

/* The words of a source's state, and what follows them in the state file. */
static void tell_source_state(struct report *o, const struct daemon_source *s)
{
	static const char *const words[] = { "active", "waiting", "inactive" };
	const char *reason = strstr(s->state, ": ");
	size_t length = reason ? (size_t)(reason - s->state) : strlen(s->state);
	const char *word = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (length == strlen(words[i]) && !memcmp(s->state, words[i], length))
			word = words[i];
	report_object(o, s->name);
	report_text(o, "state", word);
	report_text(o, "reason", reason ? reason + 2 : NULL);
	report_end(o);
}

/* @known: the state could be read, or there is none. */
static void tell_daemon(struct report *o, const struct daemon_state *d, bool known,
			bool json)
{
	report_object(o, "daemon");
	if (known)
		report_bool(o, "running", d->running);
	else
		report_text(o, "running", NULL);
	report_object(o, "sources");
	for (size_t i = 0; d->running && i < d->nr_sources; i++)
		report_text(o, d->sources[i].name, d->sources[i].state);
	report_end(o);
	if (json) { /* as text, the same once more */
		report_object(o, "source_states");
		for (size_t i = 0; d->running && i < d->nr_sources; i++)
			tell_source_state(o, &d->sources[i]);
		report_end(o);
		report_text(o, "error", d->running && d->error[0] ? d->error : NULL);
	}
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

static void print_verdict(const struct verdict *v)
{
	printf("%s: %s%s%s\n", verdict_name(v->word), v->reason.text,
	       v->remedy ? "; do: " : "", v->remedy ? v->remedy : "");
}

static void tell_verdict(struct report *o, const struct verdict *v, bool json)
{
	if (!json) {
		print_verdict(v);
		return;
	}
	report_text(o, "verdict", verdict_name(v->word));
	report_text(o, "reason", v->reason.text);
	report_text(o, "remedy", v->remedy);
}

/* All that status knows, and why it does not know the rest. */
struct view {
	struct crash_state crash;
	struct daemon_state daemon;
	bool daemon_known;
	struct error unknown; /* the kernel does not tell whether one is loaded; or "" */
	struct error hidden;  /* the recipes cannot be read; or "" */
	struct protection protection;
};

static int tell(const struct view *v, bool json, struct error *err)
{
	struct report *o = report_open(json, err);

	if (!o)
		return EXIT_FAILED;
	tell_verdict(o, &v->protection.verdict, json);
	tell_crash(o, &v->crash, &v->protection, v->hidden.text[0]);
	tell_generation_id(o);
	tell_daemon(o, &v->daemon, v->daemon_known, json);
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

/*
 * 0; or a negative errno with the line if the state is unknown or untrustworthy. A user
 * who may not enter the folder gets 0: some of it is for all to see.
 */
static int view_read(struct view *v, struct recipe_dir *dir, struct error *err)
{
	struct error ignored;
	int ret = look(dir, err), state;

	if (ret && ret != -ENOENT)
		v->hidden = *err;
	state = crash_state_read(dir, &v->crash, &v->unknown);
	if (!state)
		v->unknown.text[0] = '\0';
	v->daemon_known = daemon_state_read(RUN_DIR, &v->daemon, &ignored) != -EACCES;
	protection_read(&v->crash, state ? &v->unknown : NULL,
			v->hidden.text[0] ? &v->hidden : NULL, &v->daemon,
			&v->protection);
	if (state)
		*err = v->unknown;
	return state ? state : ret == -ENOENT || ret == -EACCES ? 0 : ret;
}

static int parse(int argc, char **argv, bool *json, bool *check, struct error *err)
{
	enum { JSON = OPTION_FIRST, CHECK };
	static const struct option options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "check", no_argument, NULL, CHECK },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = subcommand_option(argc, argv, options, err)) > 0)
		*(opt == JSON ? json : check) = true;
	if (!opt && *json && *check)
		return error_set(err, EINVAL,
				 "--check prints one line: without --json, whose "
				 "verdict says the same");
	return opt;
}

int command_status(int argc, char **argv, struct error *err)
{
	struct view v = { .crash = { .kcore = KCORE_NONE } };
	struct recipe_dir dir = RECIPE_DIR_NONE;
	bool json = false, check = false;
	int ret;

	if (parse(argc, argv, &json, &check, err))
		return EXIT_USAGE;
	ret = view_read(&v, &dir, err);
	if (check) {
		print_verdict(&v.protection.verdict);
		ret = verdict_exit(v.protection.verdict.word);
		err->text[0] = '\0';
	} else {
		ret = ret ? EXIT_FAILED : tell(&v, json, err);
	}
	crash_state_free(&v.crash);
	recipe_dir_close(&dir);
	return ret;
}
