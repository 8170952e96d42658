/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memmap.h - /sys/firmware/memmap: the firmware's map as passed to the kernel.
 *
 * Documentation/ABI/testing/sysfs-firmware-memmap. World-readable. Hot-plugged memory
 * follows the boot-time entries, so entries are not in order of address.
 */
#ifndef KS_MEMMAP_H
#define KS_MEMMAP_H

#include "base/notes.h"
#include "error.h"
#include "machine/memory_map.h"

/*
 * Reads the map below @root into @out (empty), sorted by address. Types without a name
 * become MEMORY_UNKNOWN, those with a name that nobody knows as well, with a note. If the
 * directory is missing: 0 and an empty map. An unreadable or invalid entry is an error: a
 * negative errno with the line, which names the file. On failure nothing is left to free
 * in @out.
 */
int x86_memmap_read(const char *root, struct memory_map *out, struct notes *notes,
		    struct error *err);

#endif
