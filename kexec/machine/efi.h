/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * efi.h - /sys/firmware/efi: what the next kernel needs to call the firmware again.
 *
 * Documentation/ABI/testing/sysfs-firmware-efi and sysfs-firmware-efi-runtime-map.
 */
#ifndef KS_EFI_H
#define KS_EFI_H

#include "bytes.h"
#include "error.h"
#include "machine/facts.h"

/* EFI_MEMORY_DESCRIPTOR: UEFI specification 2.10, section 7.2.3 */
struct efi_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t phys_addr;
	uint64_t virt_addr;
	uint64_t num_pages; /* of 4 KiB */
	uint64_t attribute;
};

/* The addresses in the file systab. Lines that are none of the three are skipped. */
void efi_parse_systab(struct bytes text, struct efi_facts *efi);

/*
 * Reads the facts below @root; @bp is what the running kernel was started with, NULL when
 * that is not known. A machine without EFI, with 32-bit EFI or without runtime services:
 * 0, and @out->present is false; the tables' addresses can be there all the same. Files
 * that only root may read are left out for others. What contradicts itself is -EINVAL
 * with a message. On failure nothing is left to free.
 */
int efi_read(const char *root, const struct boot_params *bp, struct efi_facts *out,
	     struct error *err);

void efi_free(struct efi_facts *efi);

#endif
