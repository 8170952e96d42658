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
	for (size_t i = 0; plan && i < plan->nr_segments; i++) {
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
	if (!plan || !plan->has_seed) {
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
	if (!p || !p->mix_target) {
		report_text(o, "seed_mix", NULL);
		return;
	}
	report_object(o, "seed_mix");
	report_list(o, "inputs");
	for (unsigned int i = 0; i < SEED_INPUTS; i++)
		if (p->mix_inputs & 1u << i)
			report_text(o, NULL, seed_input_names[i]);
	if (p->generation_id)
		report_text(o, NULL, "GENERATION_ID");
	if (plan_kernel_memory(p))
		report_text(o, NULL, "KERNEL_MEMORY");
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

/* Numbers that are unknown without a plan are null. */
static void report_known(struct report *o, const char *key, const uint64_t *value)
{
	if (value)
		report_number(o, key, *value);
	else
		report_text(o, key, NULL);
}

void plan_report(struct report *o, const struct plan *plan, const char *cmdline)
{
	report_text(o, "arch", arch_name);
	report_segments(o, plan);
	report_known(o, "entry", plan ? &plan->entry : NULL);
	report_known(o, "kernel_entry", plan ? &plan->kernel_entry : NULL);
	report_text(o, "command_line", plan ? plan_command_line(plan) : cmdline);
	report_seed_slot(o, plan);
	report_mix(o, plan ? plan_purgatory(plan) : NULL);
	arch_plan_report(o, plan);
}

#define FIELD_TEXT 1024

/*
 * A number, or hexadecimal bytes: at most @limit, and "zero" instead of many if not for
 * programs.
 */
static const char *field_text(const struct boot_field *f, size_t limit,
			      char text[FIELD_TEXT])
{
	static const uint8_t zeroes[FIELD_TEXT];
	size_t shown = f->size < limit ? f->size : limit;
	uint64_t number;

	if (boot_field_number(f, &number)) {
		snprintf(text, FIELD_TEXT, "0x%llx", (unsigned long long)number);
		return text;
	}
	if (limit < FIELD_TEXT / 2 - 1 && !memcmp(f->data, zeroes, shown))
		return "zero";
	for (size_t i = 0; i < shown; i++)
		snprintf(text + 2 * i, 3, "%02x", f->data[i]);
	return text;
}

void plan_print_boot_data(FILE *to, const struct plan *plan)
{
	char text[FIELD_TEXT];
	struct boot_field f;

	fprintf(to, "%s, field by field\n", arch_boot_data_name);
	for (size_t i = 0; arch_boot_field(plan, i, &f); i++)
		fprintf(to, "  0x%03zx %3zu  %-30s %s\n", f.offset, f.size, f.name,
			field_text(&f, 16, text));
}

void plan_report_boot_data(struct report *o, const struct plan *plan)
{
	char text[FIELD_TEXT];
	struct boot_field f;
	uint64_t number;

	report_list(o, "boot_data");
	for (size_t i = 0; plan && arch_boot_field(plan, i, &f); i++) {
		report_object(o, NULL);
		report_text(o, "name", f.name);
		report_number(o, "offset", f.offset);
		report_number(o, "size", f.size);
		if (boot_field_number(&f, &number))
			report_number(o, "value", number);
		else
			report_text(o, "value", field_text(&f, FIELD_TEXT / 2 - 1, text));
		report_end(o);
	}
	report_end(o);
}
