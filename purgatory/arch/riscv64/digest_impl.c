// SPDX-License-Identifier: GPL-2.0-only
/* User space only: the purgatory gets it from the loader. */
#include "digest.h"

/* Programs have no way to ask that old kernels know; digests take most of a second. */
enum digest_impl digest_best_impl(void)
{
	return DIGEST_PORTABLE;
}
