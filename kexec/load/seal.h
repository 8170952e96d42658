/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seal.h - the digests that the purgatory will check.
 */
#ifndef KS_SEAL_H
#define KS_SEAL_H

#include "base/file.h"
#include "plan/plan.h"

/*
 * Fills in the digests of all segments but the seed's. Content that lies in one of the
 * @count @files is read from there; the rest is hashed where it is. This takes a while for
 * large files, and is done before there is a seed. 0 or a negative errno.
 */
int seal_contents(struct plan *plan, const struct file *const files[], size_t count,
		  struct error *err);

/*
 * Fills in the digest of the seed segment, whose content must be in place when the plan
 * has one, and then that of the parameters, which hold all the others.
 *
 * Without digests in the plan (plan_options.verify off) both functions do nothing.
 */
void seal_finish(struct plan *plan);

/*
 * Wipes what tells something of the seed: its digest, and the digest that depends on it.
 * The rest of @p stays as it is. Harmless for any bytes.
 */
void seal_forget_seed(struct purgatory_params *p);

#endif
