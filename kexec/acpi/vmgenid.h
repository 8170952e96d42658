/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmgenid.h - finds the VM generation ID in the ACPI tables.
 *
 * Microsoft's paper "Virtual Machine Generation ID": 16 opaque bytes in memory that
 * change when a VM continues from a copy of itself. The device with the compatible ID
 * VM_Gen_Counter has an object ADDR, a package with the lower and the upper 32 bits of
 * their physical address. Linux's driver (drivers/virt/vmgenid.c) also accepts VMGENCTR,
 * and both as hardware IDs; the kernel ignores case.
 *
 * ADDR is evaluated as in acpi/eval.h: a package, or a method that makes one from
 * constants (QEMU, Firecracker, bhyve) or from fields of SystemMemory regions (Hyper-V,
 * Xen, VMware). What cannot be evaluated, or may not have the value that the tables give,
 * is refused with the reason.
 */
#ifndef KS_VMGENID_H
#define KS_VMGENID_H

#include "bytes.h"
#include "machine/memory_map.h"
#include "machine/phys_mem.h"
#include "seed_mix.h"

/*
 * Limits for one table (bytes) and the number of tables; real machines have a few dozen
 * of some 100 KiB.
 */
#define VMGENID_TABLE_MAX  ((size_t)1 << 20)
#define VMGENID_TABLES_MAX 256

#define VMGENID_WORDS_MAX 16

enum vmgenid_state {
	VMGENID_ABSENT,	       /* no such device, or no ACPI */
	VMGENID_FOUND,	       /* addr is valid */
	VMGENID_UNKNOWN_SHAPE, /* there seems to be one, but its ADDR is not understood */
	VMGENID_BAD_ADDRESS,   /* its address is impossible */
	VMGENID_HIDDEN,	       /* only root can read the tables */
	VMGENID_UNREADABLE,    /* its address is in memory that cannot be read */
};

struct vmgenid {
	enum vmgenid_state state;
	uint64_t addr; /* physical; 0 unless VMGENID_FOUND */
	char why[256]; /* reason for the state, for messages; "" if VMGENID_FOUND */
	char hypervisor
		[32];	/* whose device it looks like, or its hardware ID; "": unknown */
	char from[96];	/* where the address comes from, in words; "": no ADDR */
	char note[128]; /* about the address, for the user; "": none */
	struct phys_word words[VMGENID_WORDS_MAX];
	size_t nr_words; /* the memory that ADDR and _STA need */
};

/*
 * Finds the device and its address in @count whole tables (header and code). @mem gives
 * the memory that ADDR needs. Any state but VMGENID_HIDDEN; VMGENID_BAD_ADDRESS for a
 * value that firmware has not filled in. Does not check the address against the machine.
 * Takes time linear in the size of all tables.
 */
void vmgenid_find(const struct bytes *files, size_t count, const struct phys_mem *mem,
		  struct vmgenid *out);

#endif
