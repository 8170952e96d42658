/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * e820.h - memory maps in the form that boot_params carries: types, names, order.
 */
#ifndef KS_E820_H
#define KS_E820_H

#include "bytes.h"
#include "machine/facts.h"

/*
 * What an entry can be. 1 to 5 and 7: ACPI specification 6.5, table 15.4. The rest are
 * Linux' own (arch/x86/include/asm/e820/types.h).
 */
enum e820_type {
	E820_UNKNOWN = 0, /* never handed on: a name that tells no type */
	E820_RAM = 1,
	E820_RESERVED = 2,
	E820_ACPI = 3,
	E820_NVS = 4,
	E820_UNUSABLE = 5,
	E820_PMEM = 7,
	E820_PRAM = 12,
	E820_SOFT_RESERVED = 0xefffffffu,
};

/*
 * More entries than any kernel has room for (128 and three for each of 1024 nodes), with
 * space for memory that was plugged in later.
 */
#define E820_MAP_MAX 16384

/*
 * The type that the kernel means by @name in /proc/iomem and in /sys/firmware/memmap
 * (e820_type_to_string() in arch/x86/kernel/e820.c). False for any other name. The
 * kernel's "Unknown E820 type" is E820_UNKNOWN.
 */
bool e820_type_from_name(struct bytes name, uint32_t *type);

/*
 * Appends [@start, @last], both inclusive. 0; -EINVAL when the range is reversed, or ends
 * with the last byte of the address space, which no entry can say; -E2BIG; -ENOMEM.
 */
int e820_add(struct e820_map *map, uint64_t start, uint64_t last, uint32_t type);

/* What a failure of e820_add() means, in words; any other negative errno too. */
const char *e820_strerror(int ret);

/* Sorts by address, then by size. */
void e820_sort(struct e820_map *map);

/* In a sorted map, makes one of neighbours of the same type, where the kernel does too.
 */
void e820_merge(struct e820_map *map);

/*
 * Gives entries of unknown type the one that the boot loader wrote into @bp, which may be
 * NULL; where that does not help, reserved.
 */
void e820_resolve_unknown(struct e820_map *map, const struct boot_params *bp);

/* A copy of @from in @to, which must be empty ({0}). 0 or -ENOMEM. */
int e820_copy(struct e820_map *to, const struct e820_map *from);

void e820_free(struct e820_map *map);

#endif
