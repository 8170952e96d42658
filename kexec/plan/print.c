// SPDX-License-Identifier: GPL-2.0-only
#include "plan/names.h"
#include "plan/plan.h"
#include "seed_mix.h"

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

static void print_e820(FILE *to, const struct e820_map *map)
{
	fprintf(to, "memory map (e820), %zu entries\n", map->count);
	for (size_t i = 0; i < map->count; i++)
		fprintf(to, "  0x%012llx-0x%012llx  %s\n",
			(unsigned long long)map->entries[i].addr,
			(unsigned long long)(map->entries[i].addr + map->entries[i].size -
					     1),
			e820_type_name(map->entries[i].type));
}

static void print_nodes(FILE *to, const struct plan *plan)
{
	fprintf(to, "setup_data%s\n", plan->nr_nodes ? "" : " (none)");
	for (size_t i = 0; i < plan->nr_nodes; i++)
		fprintf(to, "  0x%012llx  %-9s %u bytes\n",
			(unsigned long long)plan->nodes[i].addr,
			setup_type_name(plan->nodes[i].type), plan->nodes[i].len);
}

static void print_mix(FILE *to, const struct purgatory_params *p)
{
	if (!p->mix_target)
		return;
	fprintf(to, "seed mix    %s%s%s",
		p->mix_inputs & SEED_INPUT_RDSEED ? " RDSEED" : "",
		p->mix_inputs & SEED_INPUT_RDRAND ? " RDRAND" : "",
		p->mix_inputs & SEED_INPUT_TSC ? " TSC" : "");
	if (p->generation_id)
		fprintf(to, " VM generation ID at 0x%llx",
			(unsigned long long)p->generation_id);
	fputc('\n', to);
}

void plan_print(FILE *to, const struct plan *plan)
{
	print_segments(to, plan);
	print_e820(to, &plan->e820);
	print_nodes(to, plan);
	fprintf(to, "entry        0x%llx (purgatory), then 0x%llx (kernel%s)\n",
		(unsigned long long)plan->entry, (unsigned long long)plan->kernel_entry,
		plan_purgatory(plan)->entry_mode == PURGATORY_ENTRY_32 ? ", 32-bit" : "");
	print_mix(to, plan_purgatory(plan));
	fprintf(to, "boot_params  0x%llx\n", (unsigned long long)plan->boot_params_addr);
	fprintf(to, "command line %s\n", plan_command_line(plan));
}
