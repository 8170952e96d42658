/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unsupported.h - recognises files that cannot be loaded, for the error message.
 */
#ifndef KS_UNSUPPORTED_H
#define KS_UNSUPPORTED_H

#include "bytes.h"

/* Bytes at the start of a file that are examined; Multiboot2 needs this many. */
#define UNSUPPORTED_START_MAX ((size_t)32 << 10)

/* Minimum size of a kernel file, in bytes. */
#define IMAGE_HEAD_MIN 0x290u

/*
 * Names the type of a file that begins with @start, as in "a file compressed with bzip2";
 * NULL: unknown. Call it only for files that no format accepts: a bzImage is an EFI
 * program too.
 */
const char *unsupported_name(struct bytes start);

/*
 * Names the architecture of an EFI program for a message: the Machine field of its header
 * (Microsoft, "PE Format", "Machine Types"). Never NULL.
 */
const char *unsupported_machine(uint16_t pe_machine);

/*
 * Detects a Multiboot header (Multiboot 0.6.96, 3.1.1; Multiboot2 2.0, 3.1.1): returns "a
 * Multiboot kernel", "a Multiboot2 kernel", or NULL.
 */
const char *unsupported_multiboot(struct bytes start);

#endif
