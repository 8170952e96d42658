// SPDX-License-Identifier: GPL-2.0-only
#include "load/seal.h"

#include "digest.h"
#include "load/file_digest.h"

#include <stddef.h>
#include <string.h>

/* The content that @check is about. */
static struct bytes checked_content(const struct plan *plan,
				    const struct purgatory_check *check)
{
	const struct segment *s = plan_find(plan, (enum purgatory_kind)check->kind);

	return (struct bytes){ s->content.data + (check->addr - s->addr), check->size };
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
	digest_range(digest_best_impl(), b.data, b.size, out);
	return 0;
}

int seal_contents(struct plan *plan, const struct file *const files[], size_t count,
		  struct error *err)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;

	for (uint32_t i = 0; i < p->nr_checks; i++) {
		struct purgatory_check *c = &p->checks[i];
		struct bytes b;
		int ret;

		if (c->kind == PURGATORY_KIND_SEED)
			continue;
		b = checked_content(plan, c);
		ret = digest_content(b, find_file(b, files, count), c->digest, err);
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
	for (uint32_t i = 0; i < p->nr_checks; i++)
		if (p->checks[i].kind == PURGATORY_KIND_SEED)
			digest_range(digest_best_impl(),
				     checked_content(plan, &p->checks[i]).data,
				     p->checks[i].size, p->checks[i].digest);
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
}

void seal_forget_seed(struct purgatory_params *p)
{
	for (size_t i = 0; i < PURGATORY_MAX_CHECKS; i++)
		if (p->checks[i].kind == PURGATORY_KIND_SEED)
			explicit_bzero(p->checks[i].digest, sizeof(p->checks[i].digest));
	explicit_bzero(p->self_sha256, sizeof(p->self_sha256));
}
