/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seal.h - the digests that the purgatory will check.
 */
#ifndef KS_SEAL_H
#define KS_SEAL_H

#include "base/file.h"
#include "plan/plan.h"

/*
 * Fills in the digests of all segments, whose content must be in place. Content that lies
 * in one of the @count @files is read from there; the rest is hashed where it is. Without
 * digests in the plan (plan_options.verify off) nothing is done. 0 or a negative errno.
 */
int seal_plan(struct plan *plan, const struct file *const files[], size_t count,
	      struct error *err);

#endif
