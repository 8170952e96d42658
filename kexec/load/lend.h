/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lend.h - the moments in which a seed exists.
 */
#ifndef KS_LEND_H
#define KS_LEND_H

#include "load/kexec_load.h"
#include "load/secret.h"

/*
 * As soon as no other load is under way, draws the seed into @page when the plan has one,
 * hashes it, calls kexec_load(2), and wipes it, whatever comes of it; @page is then empty.
 * All other digests of the plan must be in place. No signal can end the process in between.
 * @guard and *@other_way as for kexec_load_plan(). 0 or a negative errno; -EBUSY as for
 * kexec_wait(), and then no seed was drawn.
 */
int lend_and_load(struct plan *plan, struct secret *page, enum kexec_target target,
		  const struct load_guard *guard, bool *other_way, struct error *err);

#endif
