/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * efi.h - reads /sys/firmware/efi, so that the next kernel can use firmware services.
 *
 * Documentation/ABI/testing/sysfs-firmware-efi and sysfs-firmware-efi-runtime-map.
 */
#ifndef KS_EFI_H
#define KS_EFI_H

#include "arch/x86/x86.h"

/* EFI_MEMORY_DESCRIPTOR: UEFI specification 2.10, section 7.2.3 */
struct efi_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t phys_addr;
	uint64_t virt_addr;
	uint64_t num_pages; /* units of 4 KiB */
	uint64_t attribute;
};

/* Takes the addresses of ACPI20, ACPI and SMBIOS from the file systab. */
void efi_parse_systab(struct bytes text, struct efi *efi);

/*
 * Reads EFI data below @root. @bp: boot_params of the running kernel; NULL: unknown.
 * Without EFI, with 32-bit EFI or without runtime services: 0 with @out->present false,
 * though table addresses may be set. Files readable by root only are skipped for other
 * users. 0; -EINVAL with the line for contradictions; another negative errno. On failure
 * nothing is left to free.
 */
int efi_read(const char *root, const struct boot_params *bp, struct efi *out,
	     struct error *err);

void efi_free(struct efi *efi);

#endif
