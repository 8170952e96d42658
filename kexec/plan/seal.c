// SPDX-License-Identifier: GPL-2.0-only
#include "plan/plan.h"
#include "sha256.h"

#include <stddef.h>

/*
 * What of a segment is checked: its content. Of the purgatory only what follows its
 * parameters, which have a digest of their own, because they hold all the others.
 */
static struct bytes checked_content(const struct plan *plan, const struct segment *s)
{
	const struct purgatory_params *p = (const void *)plan->purgatory_block;
	struct bytes b = s->content;

	if (s->kind == PURGATORY_KIND_PURGATORY) {
		b.data += p->params_size;
		b.size -= p->params_size;
	}
	return b;
}

void plan_seal(struct plan *plan)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;

	if (!p->nr_checks)
		return;
	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];
		struct bytes b = checked_content(plan, s);

		p->checks[i] = (struct purgatory_check){
			.addr = s->addr + (s->content.size - b.size),
			.size = b.size,
			.kind = s->kind,
		};
		sha256(b.data, b.size, p->checks[i].sha256);
	}
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
}
