/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foreign.h - names for files that are no kernel that can be loaded, so that the message
 * can say what they are.
 */
#ifndef KS_FOREIGN_H
#define KS_FOREIGN_H

#include "bytes.h"

/* As much of the beginning of a file as is looked at, in bytes: for Multiboot2. */
#define FOREIGN_START_MAX ((size_t)32 << 10)

/*
 * What a file is that begins with @start, as in "a file compressed with bzip2", or NULL.
 * Not for bzImages: one with an EFI stub is an EFI program too.
 */
const char *foreign_name(struct bytes start);

/*
 * Its Multiboot header (Multiboot 0.6.96, 3.1.1; Multiboot2 2.0, 3.1.1): "a Multiboot
 * kernel", "a Multiboot2 kernel", or NULL.
 */
const char *foreign_multiboot(struct bytes start);

#endif
