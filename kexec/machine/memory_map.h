/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_map.h - memory maps: types of memory by address.
 *
 * Types and their numbers are those of the ACPI specification 6.5, table 15.4 "Address
 * Range Types", and Linux's additions.
 */
#ifndef KS_MEMORY_MAP_H
#define KS_MEMORY_MAP_H

#include "bytes.h"

enum memory_type {
	MEMORY_UNKNOWN = 0, /* a name without a type; never passed on */
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3,
	MEMORY_NVS = 4,
	MEMORY_UNUSABLE = 5,
	MEMORY_PMEM = 7,
	MEMORY_PRAM = 12,		    /* Linux: non-standard persistent memory */
	MEMORY_SOFT_RESERVED = 0xefffffffu, /* Linux: specific purpose memory */
};

struct memory_entry {
	uint64_t addr;
	uint64_t size; /* bytes, not 0 */
	uint32_t type; /* enum memory_type */
};

struct memory_map {
	struct memory_entry *entries; /* owned */
	size_t count;
};

/*
 * Above any kernel's limit (128 and three for each of 1024 nodes), with space for
 * hot-plugged memory.
 */
#define MEMORY_MAP_MAX 16384

/*
 * Sets *@type to the type that the kernel calls @name in /proc/iomem and
 * /sys/firmware/memmap, in any letter case: Linux 4.11 and older write "reserved".
 * MEMORY_UNKNOWN for its name of an unknown type. False, with MEMORY_UNKNOWN, for any
 * other name.
 */
bool memory_type_from_name(struct bytes name, uint32_t *type);

/*
 * Appends [@start, @last], both inclusive, in bytes. 0; -EINVAL if the range is reversed
 * or ends at the last byte of the address space, which no entry can express; -E2BIG;
 * -ENOMEM.
 */
int memory_map_add(struct memory_map *map, uint64_t start, uint64_t last, uint32_t type);

/* Describes a failure of memory_map_add(), or any other negative errno. */
const char *memory_map_strerror(int ret);

/* Sorts by address, then by size. */
void memory_map_sort(struct memory_map *map);

/* Merges adjacent entries of the same type in a sorted map, where the kernel does too. */
void memory_map_merge(struct memory_map *map);

/* Copies @from to @to, which must be empty ({0}). 0 or -ENOMEM. */
int memory_map_copy(struct memory_map *to, const struct memory_map *from);

/*
 * True unless the kernel may use memory in [@start, @end) for itself: unless a map has
 * anything in it but reserved and ACPI's memory. If the kernel's own map, @iomem, shows
 * all of it as reserved (memmap=SIZE$ADDR), what firmware calls it does not count.
 */
bool memory_set_aside(const struct memory_map *firmware, const struct memory_map *iomem,
		      uint64_t start, uint64_t end);

void memory_map_free(struct memory_map *map);

#endif
