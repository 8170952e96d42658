// SPDX-License-Identifier: GPL-2.0-only
/* All of the loaded image against its digests, before it is needed. */
#include "base/cleanup.h"
#include "base/units.h"
#include "digest.h"
#include "load/loaded.h"
#include "load/secret.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * The page with the seed goes into locked memory. The kernel has copied it through a
 * buffer of its own, which the next page then overwrites.
 */
static int digest_seed(const struct kcore *k, const struct purgatory_check *c,
		       uint8_t out[SHA256_SIZE], struct error *err)
{
	struct secret page = { 0 };
	struct error ignored;
	uint8_t other[PAGE];
	int ret = secret_map(page_up(c->size), &page, err);

	if (ret)
		return ret;
	ret = kcore_read(k, c->addr, page.data, c->size, err);
	if (!ret)
		digest_range(digest_best_impl(), page.data, c->size, out);
	secret_wipe(&page);
	secret_wipe_stack();
	if (ret)
		kcore_read(k, c->addr + PAGE, other, sizeof(other), &ignored);
	else
		ret = kcore_read(k, c->addr + PAGE, other, sizeof(other), err);
	return ret;
}

static int digest_part(const struct kcore *k, const struct purgatory_check *c,
		       uint8_t out[SHA256_SIZE], struct error *err)
{
	if (c->kind == PURGATORY_KIND_SEED)
		return digest_seed(k, c, out, err);
	return loaded_digest(k, c->addr, c->size, out, err);
}

/* The parameters as they lie in memory; with the digest of the current seed. */
static int read_params(const struct kcore *k, const struct recipe *r,
		       struct purgatory_params *p, bool *right, struct error *err)
{
	const struct segment *s = plan_find(&r->plan, PURGATORY_KIND_PURGATORY);
	uint8_t self[SHA256_SIZE];
	int ret = kcore_read(k, s->addr, p, sizeof(*p), err);

	*right = false;
	if (ret)
		return ret;
	sha256(p, offsetof(struct purgatory_params, self_sha256), self);
	*right = !memcmp(self, p->self_sha256, sizeof(self)) &&
		 p->nr_checks <= PURGATORY_MAX_CHECKS;
	return 0;
}

int loaded_verify(const struct kcore *k, const struct recipe *r,
		  void (*damaged)(void *to, const char *part, uint64_t addr,
				  uint64_t size),
		  void *to, struct error *err)
{
	struct purgatory_params p;
	bool right;
	int ret;

	if (r->method != RECIPE_KEXEC_LOAD)
		return error_set(
			err, ENODATA,
			"loaded with kexec_file_load: the digests are the kernel's "
			"own");
	if (!plan_purgatory(&r->plan)->nr_checks)
		return error_set(err, ENODATA, "loaded with --no-checks: no digests");
	ret = read_params(k, r, &p, &right, err);
	if (!ret && !right) {
		damaged(to, "parameters",
			plan_find(&r->plan, PURGATORY_KIND_PURGATORY)->addr, sizeof(p));
		/* the recipe knows all but the seed's */
		p = *plan_purgatory(&r->plan);
	}
	for (uint32_t i = 0; !ret && i < p.nr_checks; i++) {
		const struct purgatory_check *c = &p.checks[i];
		uint8_t got[SHA256_SIZE];

		if (!right && c->kind == PURGATORY_KIND_SEED)
			continue;
		ret = digest_part(k, c, got, err);
		if (!ret && memcmp(got, c->digest, sizeof(got)))
			damaged(to, segment_name((enum purgatory_kind)c->kind), c->addr,
				c->size);
	}
	explicit_bzero(&p, sizeof(p));
	return ret;
}
