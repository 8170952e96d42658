/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest_impls.h - for tests of every digest implementation that this CPU can run.
 */
#ifndef KS_DIGEST_IMPLS_H
#define KS_DIGEST_IMPLS_H

#include "digest.h"

#define FOR_EACH_IMPL(impl)                                                              \
	for (enum digest_impl impl = DIGEST_PORTABLE; impl <= digest_best_impl(); impl++)

static inline const char *impl_name(enum digest_impl impl)
{
	return impl == DIGEST_CPU_SHA ? "SHA-NI" : "portable";
}

/* A separate test, so that a skipped implementation shows in the list. */
static inline void test_this_processor_has_sha_ni(void **state)
{
	(void)state;
	if (digest_best_impl() != DIGEST_CPU_SHA) {
		print_message("no SHA extensions: SHA-NI is NOT tested\n");
		skip();
	}
}

#endif
