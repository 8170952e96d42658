// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a record of the kernel log. A fork must have its exact text.
 */
#include "kexec_seed/sources/parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = ";random: crng reseeded due to virtual machine fork";

	if (kmsg_tells_fork((struct bytes){ data, size }) &&
	    !memmem(data, size, text, sizeof(text) - 1))
		abort();
	return 0;
}
