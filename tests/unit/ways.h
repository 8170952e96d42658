/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ways.h - for tests that go through every way to compute a digest that there is here.
 */
#ifndef KS_WAYS_H
#define KS_WAYS_H

#include "digest.h"

#define FOR_EACH_WAY(way)                                                                \
	for (enum digest_impl way = DIGEST_PORTABLE; way <= digest_best_impl(); way++)

static inline const char *way_name(enum digest_impl way)
{
	return way == DIGEST_CPU_SHA ? "SHA-NI" : "portable";
}

/* A test of its own in the list, so that what was not tested does not pass as tested. */
static inline void test_this_processor_has_sha_ni(void **state)
{
	(void)state;
	if (digest_best_impl() != DIGEST_CPU_SHA) {
		print_message("no SHA extensions here: the fast way is NOT tested\n");
		skip();
	}
}

#endif
