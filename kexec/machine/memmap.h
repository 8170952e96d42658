/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memmap.h - /sys/firmware/memmap: the firmware's map as the kernel got it.
 *
 * Documentation/ABI/testing/sysfs-firmware-memmap. Readable for everybody. Memory that
 * was plugged in later stands behind the entries from boot time, so order by number is
 * not order by address.
 */
#ifndef KS_MEMMAP_H
#define KS_MEMMAP_H

#include "error.h"
#include "machine/facts.h"

/*
 * Reads the map below @root, sorted by address, into @out, which must be empty. Types
 * that have no name are E820_UNKNOWN. A kernel without this folder: 0 and an empty map.
 * An entry that cannot be read or makes no sense is an error that names the file. On
 * failure nothing is left to free.
 */
int memmap_read(const char *root, struct e820_map *out, struct error *err);

#endif
