// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/protection.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "load/refusal.h"
#include "load/remedy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CPUINFO_SIZE_MAX ((size_t)16 << 20) /* of thousands of CPUs */

/* Inputs that nobody can guess who has a snapshot and knows the time of the crash. */
#define UNIQUE_INPUTS (SEED_INPUT_WORDS | SEED_INPUT_KERNEL_MEMORY)

static void add_input(struct protection *p, const char *name)
{
	size_t used = strlen(p->inputs);

	snprintf(p->inputs + used, sizeof(p->inputs) - used, "%s%s", used ? ", " : "",
		 name);
}

/* What the purgatory will mix in, on the CPU that we have now. */
static void read_mix(const struct recipe *r, struct protection *out)
{
	const struct purgatory_params *loaded = plan_purgatory(&r->plan);
	struct purgatory_params now;
	struct error ignored;
	uint32_t inputs;

	if (!loaded || !loaded->mix_target)
		return;
	now = *loaded;
	inputs = loaded->mix_inputs;
	if (!arch_purgatory_update("", &now, &ignored))
		inputs &= now.mix_inputs;
	inputs |= plan_kernel_memory(loaded) ? SEED_INPUT_KERNEL_MEMORY : 0;
	for (unsigned int i = 0; i < SEED_INPUTS; i++)
		if (inputs & UNIQUE_INPUTS & 1u << i)
			add_input(out, seed_input_names[i]);
	if (inputs & UNIQUE_INPUTS)
		out->facts.set |= FACT_UNIQUE;
}

static void read_files(const struct recipe *r, struct protection *out)
{
	int ret = recipe_check_files(r, &out->files);

	out->files_known = ret != -ENOMEM && ret != -EACCES && ret != -EPERM;
	if (ret && out->files_known)
		out->facts.set |= FACT_CHANGED;
}

static bool is_forked(const struct generation *then)
{
	struct generation now;

	generation_read("", then->addr, &now);
	return generation_compare(then, &now) == GENERATION_CHANGED;
}

/* The kernel, too, passes none unless its RNG is ready. */
static bool has_seed(const struct recipe *r)
{
	if (r->method == RECIPE_KEXEC_LOAD)
		return r->plan.has_seed;
	return r->seed_node || !r->boot_data.size; /* not located */
}

/* True if -s alone keeps the image from being mixed. */
static bool is_chosen(const struct recipe *r)
{
	struct error ignored;

	return r->request.method == METHOD_FILE && !refusal_foresee_load("", &ignored);
}

static void read_image(const struct crash_state *s, struct protection *out)
{
	const struct recipe *r = &s->recipe;
	const bool with_plan = s->method == CRASH_KEXEC_LOAD;
	uint32_t *set = &out->facts.set;

	if (s->method == CRASH_FOREIGN) {
		if (!s->unproven)
			*set |= FACT_FOREIGN;
		else /* our next image would be seen, if memory can be read */
			*set |= s->kcore.fd < 0 ? FACT_HIDDEN : FACT_UNPROVEN;
		return;
	}
	*set |= s->verified ? 0 : FACT_DAMAGED;
	*set |= r->outdated || (with_plan && !plan_purgatory(&r->plan)) ? FACT_OUTDATED
									: 0;
	*set |= with_plan ? 0 : FACT_FILE;
	*set |= !with_plan && is_chosen(r) ? FACT_CHOSEN : 0;
	*set |= with_plan && r->request.seed == SEED_OFF ? FACT_SEED_OFF : 0;
	*set |= has_seed(r) ? 0 : FACT_SEEDLESS;
	*set |= with_plan && r->request.mix_off ? FACT_MIX_OFF : 0;
	*set |= is_forked(&r->generation) ? FACT_FORKED : 0;
	*set |= refusal_foresee("", KEXEC_TARGET_CRASH, &out->refusal) ? FACT_REFUSED : 0;
	read_mix(r, out);
	read_files(r, out);
}

static void read_daemon(const struct daemon_state *d, struct protection *out)
{
	if (!d->running)
		return;
	out->facts.set |= FACT_DAEMON;
	for (size_t i = 0; i < d->nr_sources; i++)
		if (!strcmp(d->sources[i].state, "active"))
			out->facts.set |= FACT_HEARS;
	if (d->error[0])
		out->facts.set |= FACT_FAILED;
	out->facts.failure = d->error;
}

/*
 * True only if the CPU has feature flags and none of them is a hypervisor's: a CPU that
 * does not tell may be virtual.
 */
static bool is_alone(void)
{
	_cleanup_free_ char *text = NULL;
	char *flags, *end;
	size_t size;

	if (access("/sys/hypervisor/type", F_OK) == 0 ||
	    file_slurp("/proc/cpuinfo", CPUINFO_SIZE_MAX, &text, &size))
		return false;
	flags = strstr(text, "\nflags\t");
	end = flags ? strchr(flags + 1, '\n') : NULL;
	if (!end)
		return false;
	*end = '\0';
	return !strstr(flags, " hypervisor");
}

void protection_read(const struct crash_state *s, const struct error *unknown,
		     const struct error *hidden, const struct daemon_state *d,
		     struct protection *out)
{
	const struct error *unseen = unknown ? unknown : hidden;
	struct error ignored;

	*out = (struct protection){
		.detail = unseen ? *unseen : s->why,
		.facts = { .reload = remedy_reload(""),
			   .options = remedy_options(""),
			   .daemon = remedy_daemon(""),
			   .failure = "" },
	};
	out->facts.detail = out->detail.text;
	out->facts.file = out->files.text;
	out->facts.refusal = out->refusal.text;
	out->facts.inputs = out->inputs;
	if (!refusal_check_region("", KEXEC_TARGET_CRASH, &ignored))
		out->facts.set |= FACT_RESERVED;
	if (is_alone())
		out->facts.set |= FACT_ALONE;
	read_daemon(d, out);
	if (unknown)
		out->facts.set |= FACT_UNKNOWN;
	else if (s->loaded)
		out->facts.set |= FACT_LOADED | (hidden ? FACT_HIDDEN : 0);
	if (!unseen && s->loaded)
		read_image(s, out);
	verdict_find(&out->facts, &out->verdict);
}
