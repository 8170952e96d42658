/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmgenid.h - finds the VM generation ID.
 *
 * Microsoft's paper "Virtual Machine Generation ID": 16 opaque bytes in memory that
 * change when a VM continues from a copy of itself. The device with the compatible ID
 * VM_Gen_Counter has an object ADDR, a package with the lower and the upper 32 bits of
 * their physical address. Linux's driver (drivers/virt/vmgenid.c) also accepts VMGENCTR,
 * and both as hardware IDs; the kernel ignores case.
 *
 * AML is not run, so ADDR is understood only in these shapes:
 *
 *	Name (ADDR, Package () { LOW, HIGH })			Firecracker, bhyve
 *	a method that fills a package with constants, named
 *	constants, and sums of two of them, and returns it	QEMU (VGIA + 0x28)
 *
 * On Hyper-V and Xen the method reads the address from an operation region, that is from
 * memory outside the tables. That and every other shape is unknown.
 */
#ifndef KS_VMGENID_H
#define KS_VMGENID_H

#include "bytes.h"
#include "machine/memory_map.h"
#include "seed_mix.h"

/*
 * Limits for one table (bytes) and the number of tables; real machines have a few dozen
 * of some 100 KiB.
 */
#define VMGENID_TABLE_MAX  ((size_t)1 << 20)
#define VMGENID_TABLES_MAX 256

enum vmgenid_state {
	VMGENID_ABSENT,	       /* no such device, or no ACPI */
	VMGENID_FOUND,	       /* addr is valid */
	VMGENID_UNKNOWN_SHAPE, /* there seems to be one, but its ADDR is not understood */
	VMGENID_BAD_ADDRESS,   /* its address is impossible */
	VMGENID_HIDDEN,	       /* only root can read the tables */
};

struct vmgenid {
	enum vmgenid_state state;
	uint64_t addr; /* physical; 0 unless VMGENID_FOUND */
	char why[96];  /* reason for the state, for messages */
};

/*
 * Finds the device and its address in @count whole tables (header and code). The state is
 * VMGENID_ABSENT, VMGENID_FOUND, VMGENID_UNKNOWN_SHAPE, or VMGENID_BAD_ADDRESS for a
 * value that firmware has not filled in. Does not check the address against the machine.
 * Takes time linear in the size of all tables.
 */
void vmgenid_find(const struct bytes *files, size_t count, struct vmgenid *out);

/*
 * Changes VMGENID_FOUND to VMGENID_BAD_ADDRESS if the address is impossible: 0, not
 * aligned to 8 bytes, beyond @physical_bits (0: unknown) or the purgatory's map, or in
 * memory that firmware's or the kernel's map shows as used. Memory that firmware reserves
 * and memory in no map are fine.
 */
void vmgenid_check(const struct memory_map *firmware, const struct memory_map *iomem,
		   unsigned int physical_bits, struct vmgenid *v);

/*
 * Calls vmgenid_find() for the tables in /sys/firmware/acpi/tables below @root. Never
 * fails: an obstacle becomes a state of @out.
 */
void vmgenid_read(const char *root, struct vmgenid *out);

#endif
