// SPDX-License-Identifier: GPL-2.0-only
#include "plan/names.h"

#include <asm/bootparam.h>
#include <stddef.h>

static const char *name_of(const char *const *names, size_t count, uint32_t n)
{
	return n < count && names[n] ? names[n] : "unknown";
}

const char *e820_type_name(uint32_t type)
{
	static const char *const names[] = {
		[1] = "RAM",	  [2] = "reserved",	     [3] = "ACPI",  [4] = "NVS",
		[5] = "unusable", [7] = "persistent memory", [12] = "PRAM",
	};

	if (type == 0xefffffffu) /* the kernel's own: asm/e820/types.h */
		return "soft reserved";
	return name_of(names, sizeof(names) / sizeof(names[0]), type);
}

const char *setup_type_name(uint32_t type)
{
	static const char *const names[] = {
		[SETUP_NONE] = "NONE",
		[SETUP_E820_EXT] = "E820_EXT",
		[SETUP_DTB] = "DTB",
		[SETUP_PCI] = "PCI",
		[SETUP_EFI] = "EFI",
		[SETUP_APPLE_PROPERTIES] = "APPLE",
		[SETUP_JAILHOUSE] = "JAILHOUSE",
		[SETUP_CC_BLOB] = "CC_BLOB",
		[SETUP_IMA] = "IMA",
		[SETUP_RNG_SEED] = "RNG_SEED",
	};

	return name_of(names, sizeof(names) / sizeof(names[0]), type);
}
