// SPDX-License-Identifier: GPL-2.0-only
#include "load/lend.h"

#include "load/seal.h"
#include "load/seed.h"

#include <signal.h>

int lend_and_load(struct plan *plan, struct secret *page, enum kexec_target target,
		  const struct load_guard *guard, bool *other_way, struct error *err)
{
	sigset_t all, before;
	int ret = kexec_wait(target, err); /* before there is a seed to keep */

	/* a signal would leave the page to the next user of the memory */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!ret && plan->has_seed)
		ret = seed_lend(plan, page, err);
	if (!ret) {
		seal_finish(plan);
		ret = kexec_load_plan(plan, target, guard, other_way, err);
	}
	secret_wipe(page);
	secret_wipe_stack();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}
