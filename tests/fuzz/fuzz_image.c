// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file: parsed, and planned if accepted. The kernel must take the
 * plan, and all its addresses must point where they should.
 */
#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"
#include "base/units.h"
#include "plan/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool has(const struct segment *s, uint64_t addr)
{
	return s && addr >= s->addr && addr - s->addr < s->mem_size;
}

/* What kexec_load() requires, and that every address points into its segment. */
static void check(const struct plan *plan, const struct machine *machine)
{
	const struct segment *kernel = plan_find(plan, SEGMENT_KERNEL);
	struct setup_node nodes[X86_MAX_NODES];
	size_t nr_nodes = x86_setup_nodes(plan, nodes);

	require(plan->nr_segments && plan->nr_segments <= PLAN_MAX_SEGMENTS);
	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];
		struct range r = { s->addr, s->addr + s->mem_size };

		require(ranges_contain(&machine->ram, r));
		require(s->addr % X86_PAGE == 0 && s->mem_size &&
			s->mem_size % X86_PAGE == 0);
		require(s->content.size <= s->mem_size);
		for (size_t j = 0; j < i; j++)
			require(plan->segments[j].addr >= r.end ||
				plan->segments[j].addr + plan->segments[j].mem_size <=
					r.start);
	}
	require(has(kernel, plan->kernel_entry) && !has(kernel, plan->entry));
	require(has(plan_find(plan, SEGMENT_PURGATORY), plan->entry));
	require(has(plan_find(plan, SEGMENT_BOOT_DATA), plan->boot_data_addr));
	require(plan->has_seed && nr_nodes && nodes[0].type == SETUP_RNG_SEED);
	require(has(plan_find(plan, SEGMENT_SEED), plan_seed_addr(plan)));
	for (size_t i = 0; i < nr_nodes; i++)
		require(nodes[i].type != SETUP_RNG_SEED ||
			has(plan_find(plan, SEGMENT_SEED), nodes[i].addr));
	require(!arch_check_plan(plan));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct bytes head = { data, size < 4096 ? size : 4096 };
	struct load_request request = { .mix_off = true };
	struct arch_machine arch = { 0 };
	struct machine machine = { .page_size = X86_PAGE, .arch = &arch };
	struct image image;
	struct plan_input in = { .request = &request,
				 .machine = &machine,
				 .image = &image,
				 .cmdline = "a b",
				 .seed = true };
	struct plan plan;
	struct error err;

	if (bzimage_parse(head, file, &image, &err))
		return 0;
	if (ranges_add(&machine.ram, (struct range){ MIB, 3 * GIB }) ||
	    ranges_add(&machine.ram, (struct range){ 4 * GIB, 9 * GIB }))
		abort();
	if (plan_make(&in, &plan, &err) == 0) {
		check(&plan, &machine);
		plan_free(&plan);
	}
	ranges_free(&machine.ram);
	return 0;
}
