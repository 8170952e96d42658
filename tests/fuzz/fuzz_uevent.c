// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a uevent. A fork must have its key, and none that marks a synthetic event.
 */
#include "kexec_seed/sources/parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char key[] = "\0NEW_VMGENID=1", forged[] = "\0SYNTH_UUID=";

	if (uevent_meaning((struct bytes){ data, size }) != UEVENT_FORK)
		return 0;
	if (!memmem(data, size, key, sizeof(key) - 1) ||
	    memmem(data, size, forged, sizeof(forged) - 1))
		abort();
	return 0;
}
