// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as the page of a VMClock, read(2) and mapped.
 */
#include "machine/vmclock.h"

#include <stdlib.h>
#include <string.h>

#define SEQ_COUNT 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) uint8_t page[VMCLOCK_PAGE];
	struct vmclock_state read, mapped;
	struct error err = { "" };
	int ret = vmclock_read_copy((struct bytes){ data, size }, &read, &err);

	if (ret && !err.text[0])
		abort();
	/* A mapped page that is being updated is waited for. */
	if (ret || size > sizeof(page) || data[SEQ_COUNT] & 1)
		return 0;
	memset(page, 0, sizeof(page));
	memcpy(page, data, size);
	/* The mapped page gives the same result. */
	if (vmclock_read_page(page, &mapped, &err) || mapped.counted != read.counted ||
	    mapped.notifies != read.notifies || mapped.generation != read.generation)
		abort();
	return 0;
}
