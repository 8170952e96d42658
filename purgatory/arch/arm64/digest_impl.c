// SPDX-License-Identifier: GPL-2.0-only
/* User space only: the purgatory reads the ID register itself. */
#include "digest.h"

#include <sys/auxv.h>

#define HWCAP_SHA2_BIT (1UL << 6) /* <asm/hwcap.h> */

enum digest_impl digest_best_impl(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SHA2_BIT ? DIGEST_CPU_SHA : DIGEST_PORTABLE;
}
