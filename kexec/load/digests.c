// SPDX-License-Identifier: GPL-2.0-only
#include "load/digests.h"

#include "digest.h"
#include "load/file_digest.h"

#include <string.h>

/* Returns the content covered by @check. */
static struct bytes checked_content(const struct plan *plan,
				    const struct purgatory_check *check)
{
	enum segment_kind kind = SEGMENT_KINDS;
	const struct segment *s;

	segment_from_code(check->kind, &kind);
	s = plan_find(plan, kind);
	return (struct bytes){ s->content.data + (check->addr - s->addr), check->size };
}

static bool is_seed(const struct purgatory_check *check)
{
	return check->kind == segment_code(SEGMENT_SEED);
}

/* Returns the file whose mapping contains @b; NULL: other memory. */
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

int digests_fill(struct plan *plan, const struct file *const files[], size_t count,
		 struct error *err)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;

	for (uint32_t i = 0; i < p->nr_checks; i++) {
		struct purgatory_check *c = &p->checks[i];
		struct bytes b;
		int ret;

		if (is_seed(c))
			continue;
		b = checked_content(plan, c);
		ret = digest_content(b, find_file(b, files, count), c->digest, err);
		if (ret)
			return ret;
	}
	return 0;
}

void digests_finish(struct plan *plan)
{
	struct purgatory_params *p = (void *)plan->purgatory_block;

	if (!p->nr_checks)
		return;
	for (uint32_t i = 0; i < p->nr_checks; i++)
		if (is_seed(&p->checks[i]))
			digest_range(digest_best_impl(),
				     checked_content(plan, &p->checks[i]).data,
				     p->checks[i].size, p->checks[i].digest);
	purgatory_self_digest(p, p->self_sha256);
}

void digests_clear_seed(struct purgatory_params *p)
{
	for (size_t i = 0; i < PURGATORY_MAX_CHECKS; i++)
		if (is_seed(&p->checks[i]))
			explicit_bzero(p->checks[i].digest, sizeof(p->checks[i].digest));
	explicit_bzero(p->self_sha256, sizeof(p->self_sha256));
}
