// SPDX-License-Identifier: GPL-2.0-only
/* User space only: the purgatory must not use CPUID (purgatory_params.h). */
#include "digest.h"

#include <cpuid.h>

/* CPUID leaves: Intel SDM, volume 2, "CPUID". */
#define LEAF_FEATURES 1
#define LEAF_EXTENDED 7

enum digest_impl digest_best_impl(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(LEAF_FEATURES, &a, &b, &c, &d) || !(c & bit_SSSE3) ||
	    !(c & bit_SSE4_1))
		return DIGEST_PORTABLE;
	if (!__get_cpuid_count(LEAF_EXTENDED, 0, &a, &b, &c, &d) || !(b & bit_SHA))
		return DIGEST_PORTABLE;
	return DIGEST_CPU_SHA;
}
