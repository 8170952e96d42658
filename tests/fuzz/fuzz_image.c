// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file: parsed, and what passes for a kernel is planned, so that the
 * kernel would take it and each way leads where it should.
 */
#include "base/units.h"
#include "image/image.h"
#include "plan/plan.h"

#include <asm/bootparam.h>
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

/* What kexec_load() asks for, and that all ways lead into the segment they should. */
static void check(const struct plan *plan, const struct facts *facts)
{
	const struct segment *kernel = plan_find(plan, PURGATORY_KIND_KERNEL);

	require(plan->nr_segments && plan->nr_segments <= PLAN_MAX_SEGMENTS);
	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];
		struct range r = { s->addr, s->addr + s->mem_size };

		require(ranges_contain(&facts->ram, r));
		require(s->addr % 4096 == 0 && s->mem_size && s->mem_size % 4096 == 0);
		require(s->content.size <= s->mem_size);
		for (size_t j = 0; j < i; j++)
			require(plan->segments[j].addr >= r.end ||
				plan->segments[j].addr + plan->segments[j].mem_size <=
					r.start);
	}
	require(has(kernel, plan->kernel_entry) && !has(kernel, plan->entry));
	require(has(plan_find(plan, PURGATORY_KIND_PURGATORY), plan->entry));
	require(has(plan_find(plan, PURGATORY_KIND_BOOT_DATA), plan->boot_params_addr));
	require(plan->has_seed && plan->nr_nodes);
	for (size_t i = 0; i < plan->nr_nodes; i++)
		require(plan->nodes[i].type != SETUP_RNG_SEED ||
			has(plan_find(plan, PURGATORY_KIND_SEED), plan->nodes[i].addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct bytes head = { data, size < 4096 ? size : 4096 };
	struct plan_options opts = { .command_line = "a b",
				     .seed = true,
				     .verify = true };
	struct facts facts = { 0 };
	struct image image;
	struct plan plan;
	struct error err;

	if (image_parse(head, file, &image, &err))
		return 0;
	if (ranges_add(&facts.ram, (struct range){ MIB, 3 * GIB }) ||
	    ranges_add(&facts.ram, (struct range){ 4 * GIB, 9 * GIB }))
		abort();
	if (plan_make(&facts, &image, &opts, &plan, &err) == 0) {
		check(&plan, &facts);
		plan_free(&plan);
	}
	ranges_free(&facts.ram);
	return 0;
}
