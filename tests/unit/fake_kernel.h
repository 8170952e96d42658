/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_kernel.h - a complete bzImage that does nothing, for tests to damage.
 */
#ifndef KS_FAKE_KERNEL_H
#define KS_FAKE_KERNEL_H

#include "setup_data.h"
#include <stdint.h>
#include <string.h>

#define FAKE_SETUP     1024  /* one setup sector */
#define FAKE_SIZE      16384 /* of the file */
#define FAKE_INIT_SIZE 0x800000

struct fake_kernel {
	uint8_t file[FAKE_SIZE];
	struct setup_header *hdr; /* in the file */
};

static inline void fake_kernel(struct fake_kernel *k)
{
	memset(k->file, 0x90, sizeof(k->file));
	memset(k->file, 0, FAKE_SETUP);
	k->hdr = (void *)(k->file + 0x1f1);
	*k->hdr = (struct setup_header){
		.setup_sects = FAKE_SETUP / 512 - 1,
		.boot_flag = 0xaa55,
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.code32_start = 0x100000,
		.syssize = (FAKE_SIZE - FAKE_SETUP) / 16,
		.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G | XLF_5LEVEL,
		.relocatable_kernel = 1,
		.kernel_alignment = 0x200000,
		.pref_address = 0x1000000,
		.init_size = FAKE_INIT_SIZE,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 2047,
	};
	/* the jump at 0x200 tells where the header ends */
	k->file[0x200] = 0xeb;
	k->file[0x201] = (uint8_t)(0x1f1 + sizeof(struct setup_header) - 0x202);
}

#endif
