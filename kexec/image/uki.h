/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uki.h - a unified kernel image: a PE file with kernel, initrd and command line in
 * sections of their own (UAPI.5, Unified Kernel Image; Microsoft's PE format).
 *
 * Pure: only where things are in the file. A bzImage with an EFI stub is a PE file too; it
 * is the section .linux that makes a UKI.
 */
#ifndef KS_UKI_H
#define KS_UKI_H

#include "bytes.h"
#include "error.h"

/* As much of the beginning of a file as is looked at for its headers, in bytes. */
#define UKI_START_MAX ((size_t)64 << 10)

/* Content in the file, without what pads it; 0 bytes: there is none. */
struct uki_part {
	uint64_t offset;
	uint64_t size;
};

struct uki {
	struct uki_part linux_image;
	struct uki_part initrd;
	struct uki_part ucode; /* an initrd that goes in front of the other one */
	struct uki_part cmdline;
	struct uki_part dtb; /* is nothing that a kernel for x86 is handed */
};

/*
 * @start is a copy of the first UKI_START_MAX bytes of a file, or all of it, of @file_size
 * bytes. Of several profiles it is the first, @0, which a boot loader starts unasked: its
 * sections, and those of the base profile in front of it that it has none of.
 *
 * 1 for a UKI, whose parts all lie within the file; 0 for anything else; -ENOEXEC for a
 * UKI that is not for x86-64, is damaged or truncated.
 */
int uki_parse(struct bytes start, uint64_t file_size, struct uki *out, struct error *err);

/*
 * The text of .cmdline as it goes to a kernel, in place: control characters (the newline
 * at its end, those between options) are blanks, of which there are none at either end.
 */
void uki_clean_cmdline(char *text);

#endif
