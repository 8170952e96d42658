// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file: parsed, and what passes for a kernel is planned.
 */
#include "base/units.h"
#include "image/image.h"
#include "plan/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
		for (size_t i = 0; i < plan.nr_segments; i++) {
			const struct segment *s = &plan.segments[i];
			struct range r = { s->addr, s->addr + s->mem_size };

			if (!ranges_contain(&facts.ram, r) ||
			    s->content.size > s->mem_size)
				abort();
		}
		plan_free(&plan);
	}
	ranges_free(&facts.ram);
	return 0;
}
