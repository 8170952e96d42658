// SPDX-License-Identifier: GPL-2.0-only
#include "load/seal.h"

#include "digest.h"
#include "load/file_digest.h"

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

/* The file in whose mapping @b lies; NULL for other memory. */
static const struct file *find_file(struct bytes b, const struct file *const files[],
				    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (files[i]->mapping && b.data >= files[i]->bytes.data &&
		    b.data < files[i]->bytes.data + files[i]->bytes.size)
			return files[i];
	return NULL;
}

static int digest_content(struct bytes b, const struct file *file, uint8_t *out,
			  struct error *err)
{
	if (file)
		return file_digest(file, (uint64_t)(b.data - file->bytes.data), b.size,
				   out, err);
	digest_range(digest_best_way(), b.data, b.size, out);
	return 0;
}

/* Where the purgatory checks segment @i. */
static struct purgatory_check *check_of(struct plan *plan, size_t i, struct bytes b)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;
	const struct segment *s = &plan->segments[i];

	p->checks[i] = (struct purgatory_check){
		.addr = s->addr + (s->content.size - b.size),
		.size = b.size,
		.kind = s->kind,
	};
	return &p->checks[i];
}

int seal_contents(struct plan *plan, const struct file *const files[], size_t count,
		  struct error *err)
{
	for (size_t i = 0; plan_purgatory(plan)->nr_checks && i < plan->nr_segments;
	     i++) {
		const struct segment *s = &plan->segments[i];
		struct bytes b = checked_content(plan, s);
		int ret;

		if (s->kind == PURGATORY_KIND_SEED)
			continue;
		ret = digest_content(b, find_file(b, files, count),
				     check_of(plan, i, b)->digest, err);
		if (ret)
			return ret;
	}
	return 0;
}

void seal_finish(struct plan *plan)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;

	if (!p->nr_checks)
		return;
	for (size_t i = 0; i < plan->nr_segments; i++) {
		struct bytes b = plan->segments[i].content;

		if (plan->segments[i].kind == PURGATORY_KIND_SEED)
			digest_range(digest_best_way(), b.data, b.size,
				     check_of(plan, i, b)->digest);
	}
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
}
