// SPDX-License-Identifier: GPL-2.0-only
#include "load/describe.h"

#include "base/report.h"
#include "load/method.h"

#include <errno.h>

/* The seed of the next kernel. The words are JSON values: an interface. */
enum seed_fate { SEED_NONE, SEED_MIXED, SEED_UNMIXED, SEED_BY_KERNEL };

static const char *const seed_words[] = {
	[SEED_NONE] = "none",
	[SEED_MIXED] = "mixed",
	[SEED_UNMIXED] = "unmixed",
	[SEED_BY_KERNEL] = "kernel",
};

static enum seed_fate seed_fate(const struct load *l)
{
	if (l->request->seed == SEED_OFF || !l->seed_ready)
		return SEED_NONE;
	if (l->method == METHOD_FILE)
		return SEED_BY_KERNEL;
	return l->request->mix_off ? SEED_UNMIXED : SEED_MIXED;
}

/* What follows for the user. Only a crash kernel can be refreshed. */
static const char *seed_text(const struct load *l)
{
	bool crash = load_is_crash(l);

	switch (seed_fate(l)) {
	case SEED_MIXED:
		return "32 bytes, mixed at the jump: clones pass different ones";
	case SEED_UNMIXED:
		return crash ? "32 bytes, not mixed; clones share them until refreshed"
			     : "32 bytes, not mixed; clones share them";
	case SEED_BY_KERNEL:
		return crash ? "drawn by the kernel; clones share it until refreshed"
			     : "drawn by the kernel; clones share it";
	case SEED_NONE:
		break;
	}
	return l->request->seed == SEED_OFF ? "none: --seed=off" : l->no_seed.text;
}

static void print_file(FILE *to, const char *what, const struct file *f)
{
	if (f->mapping)
		fprintf(to, "%-12s %s, %llu KiB", what, f->path,
			(unsigned long long)(f->bytes.size + 1023) / 1024);
	else
		fprintf(to, "%-12s none", what);
}

/* The last lines are arguments of tests/machines/capture. */
static void print_generation_id(FILE *to, const struct load *l)
{
	const struct vmgenid *v = &l->machine.vmgenid;
	char text[PHYS_WORD_TEXT];

	if (!l->generation_id)
		return;
	fprintf(to, "generation ID at %#llx, %s\n", (unsigned long long)l->generation_id,
		l->request->vmgenid_given ? "--vmgenid-addr=" : v->from);
	for (size_t i = 0; i < v->nr_words; i++)
		fprintf(to, "memory read  %s\n", phys_word_text(&v->words[i], text));
}

static void print_details(FILE *to, const struct load *l)
{
	fprintf(to, "loading      as the %s kernel\n",
		load_is_crash(l) ? "crash" : "next");
	print_file(to, "kernel", &l->kernel);
	fprintf(to, ", %s\n", l->image.format->name);
	print_file(to, "initrd", &l->initrd);
	fputc('\n', to);
	if (l->method == METHOD_FILE)
		return;
	print_generation_id(to, l);
	fprintf(to, "digests      %s\n",
		l->request->no_checks ? "not checked" : "checked before the jump");
}

void load_describe(const struct load *l, unsigned int what, FILE *to)
{
	fprintf(to, "method       %s: %s\n", method_name(l->method), l->reason.text);
	fprintf(to, "seed         %s\n", seed_text(l));
	if (what & DESCRIBE_DETAILS)
		print_details(to, l);
	if (l->method == METHOD_FILE) {
		fprintf(to, "command line %s\n", l->cmdline);
		return;
	}
	if (!l->plan.nr_segments)
		return;
	plan_print(to, &l->plan);
	if (what & DESCRIBE_BOOT_DATA)
		plan_print_boot_data(to, &l->plan);
}

int load_report(const struct load *l, unsigned int what, struct error *err)
{
	const struct plan *plan = l->method == METHOD_LOAD ? &l->plan : NULL;
	struct report *o = report_open(true, err);

	if (!o)
		return -ENOTSUP;
	report_text(o, "method", method_name(l->method));
	report_text(o, "method_reason", l->reason.text);
	report_text(o, "seed", seed_words[seed_fate(l)]);
	report_text(o, "seed_reason", seed_text(l));
	plan_report(o, plan, l->cmdline);
	if (what & DESCRIBE_BOOT_DATA)
		plan_report_boot_data(o, plan);
	return report_close(o, err);
}
