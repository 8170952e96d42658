// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a message of the kernel. What counts as a fork has its key, and nobody
 * has had it sent through sysfs.
 */
#include "kexec_seed/uevent_message.h"

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
