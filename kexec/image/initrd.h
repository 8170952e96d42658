/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * initrd.h - recognises files that are given as an initrd and are none.
 *
 * The next kernel would boot, and panic without a root file system.
 */
#ifndef KS_INITRD_H
#define KS_INITRD_H

#include "bytes.h"
#include "error.h"

#define INITRD_START_MAX 4096 /* bytes at its start that are examined */

/*
 * True with the line in @doubt, which the file's name is to precede, if a file of
 * @file_size bytes that begins with @start is a kernel, or no archive that Linux unpacks.
 */
bool initrd_doubt(struct bytes start, uint64_t file_size, struct error *doubt);

#endif
