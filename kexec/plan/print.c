// SPDX-License-Identifier: GPL-2.0-only
#include "plan/plan.h"

#include "arch/arch.h"
#include "base/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_addr(const void *a, const void *b)
{
	const struct segment *x = *(const struct segment *const *)a;
	const struct segment *y = *(const struct segment *const *)b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void print_segments(FILE *to, const struct plan *plan)
{
	const struct segment *sorted[PLAN_MAX_SEGMENTS];

	for (size_t i = 0; i < plan->nr_segments; i++)
		sorted[i] = &plan->segments[i];
	qsort(sorted, plan->nr_segments, sizeof(sorted[0]), by_addr);
	fprintf(to, "segments\n");
	for (size_t i = 0; i < plan->nr_segments; i++)
		fprintf(to, "  0x%012llx-0x%012llx %9llu KiB  %s\n",
			(unsigned long long)sorted[i]->addr,
			(unsigned long long)(sorted[i]->addr + sorted[i]->mem_size - 1),
			(unsigned long long)(sorted[i]->mem_size >> 10),
			segment_name(sorted[i]->kind));
}

static void print_mix(FILE *to, const struct purgatory_params *p)
{
	if (!p->mix_target)
		return;
	fprintf(to, "seed mix    ");
	for (unsigned int i = 0; i < SEED_INPUTS; i++)
		if (p->mix_inputs & 1u << i)
			fprintf(to, " %s", seed_input_names[i]);
	if (p->generation_id)
		fprintf(to, " VM generation ID at 0x%llx",
			(unsigned long long)p->generation_id);
	fprintf(to, "%s kernel memory", plan_kernel_memory(p) ? "" : ", no");
	if (plan_kernel_memory(p))
		fprintf(to, " (%llu KiB)",
			(unsigned long long)(plan_kernel_memory(p) >> 10));
	fputc('\n', to);
}

void plan_print(FILE *to, const struct plan *plan)
{
	const struct purgatory_params *p = plan_purgatory(plan);

	print_segments(to, plan);
	arch_plan_print(to, plan);
	fprintf(to, "entry        0x%llx (purgatory), then 0x%llx (kernel%s)\n",
		(unsigned long long)plan->entry, (unsigned long long)plan->kernel_entry,
		p->entry_mode == PURGATORY_ENTRY_32 ? ", 32-bit" : "");
	print_mix(to, p);
	fprintf(to, "%-12s 0x%llx\n", arch_boot_data_name,
		(unsigned long long)plan->boot_data_addr);
	fprintf(to, "command line %s\n", plan_command_line(plan));
}

static void report_segments(struct report *o, const struct plan *plan)
{
	report_list(o, "segments");
	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];

		report_object(o, NULL);
		report_text(o, "kind", segment_name(s->kind));
		report_number(o, "addr", s->addr);
		report_number(o, "size", s->mem_size);
		report_number(o, "content", s->content.size);
		report_end(o);
	}
	report_end(o);
}

static void report_seed_slot(struct report *o, const struct plan *plan)
{
	if (!plan->has_seed) {
		report_text(o, "seed_slot", NULL);
		return;
	}
	report_object(o, "seed_slot");
	report_number(o, "addr", plan_seed_addr(plan));
	report_number(o, "len", SEED_SIZE);
	report_end(o);
}

/* Lists the inputs that the purgatory mixes in; null if it passes the base seed. */
static void report_mix(struct report *o, const struct purgatory_params *p)
{
	if (!p->mix_target) {
		report_text(o, "seed_mix", NULL);
		return;
	}
	report_object(o, "seed_mix");
	report_list(o, "inputs");
	for (unsigned int i = 0; i < SEED_INPUTS; i++)
		if (p->mix_inputs & 1u << i)
			report_text(o, NULL, seed_input_names[i]);
	report_end(o);
	if (p->generation_id)
		report_number(o, "generation_id", p->generation_id);
	else
		report_text(o, "generation_id", NULL);
	report_list(o, "kernel_memory");
	for (size_t i = 0; i < PURGATORY_MAX_MEMORY; i++) {
		if (p->kernel_memory[i].start >= p->kernel_memory[i].end)
			continue;
		report_object(o, NULL);
		report_number(o, "addr", p->kernel_memory[i].start);
		report_number(o, "size",
			      p->kernel_memory[i].end - p->kernel_memory[i].start);
		report_end(o);
	}
	report_end(o);
	report_end(o);
}

int plan_print_json(const struct plan *plan, struct error *err)
{
	struct report *o = report_open(true, err);

	if (!o)
		return -ENOTSUP;
	report_text(o, "arch", arch_name);
	report_segments(o, plan);
	report_number(o, "entry", plan->entry);
	report_number(o, "kernel_entry", plan->kernel_entry);
	report_text(o, "command_line", plan_command_line(plan));
	report_seed_slot(o, plan);
	report_mix(o, plan_purgatory(plan));
	arch_plan_report(o, plan);
	return report_close(o, err);
}
