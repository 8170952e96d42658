/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digests.h - fills in the digests that the purgatory verifies.
 */
#ifndef KS_DIGESTS_H
#define KS_DIGESTS_H

#include "base/file.h"
#include "plan/plan.h"

/*
 * Fills in the digests of all segments but the seed's. Content inside one of the @count
 * @files is read from the file; other content is hashed in place. Slow for large files,
 * so call it before the base seed is drawn. 0 or a negative errno with the line.
 */
int digests_fill(struct plan *plan, const struct file *const files[], size_t count,
		 struct error *err);

/*
 * Fills in the digest of the seed segment, whose content must be attached if the plan has
 * one, then the parameters' own digest, which covers all others.
 *
 * If the plan has no checks (--no-checks), both functions do nothing.
 */
void digests_finish(struct plan *plan);

/*
 * Wipes the digests that depend on the seed: its own and that of the parameters. Nothing
 * else in @p changes. Safe on arbitrary bytes.
 */
void digests_clear_seed(struct purgatory_params *p);

#endif
