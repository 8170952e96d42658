/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmgenid.h - where a hypervisor keeps the VM generation ID.
 *
 * Microsoft's paper "Virtual Machine Generation ID": 16 opaque bytes in memory that
 * change when a machine goes on from a copy of itself. The device with the compatible ID
 * VM_Gen_Counter has an object ADDR, a package with the lower and the upper 32 bits of
 * their physical address. Linux' driver (drivers/virt/vmgenid.c) takes VMGENCTR too, for
 * hardware IDs as well, and the kernel ignores the case of both.
 *
 * The tables are not run, so only an ADDR whose value can be read off is understood:
 *
 *	Name (ADDR, Package () { LOW, HIGH })			Firecracker, bhyve
 *	a method that fills a package with constants, named
 *	constants, and sums of two of them, and returns it	QEMU (VGIA + 0x28)
 *
 * Not so on Hyper-V and Xen: their methods fetch the address from an operation region,
 * that is from memory that the tables do not hold. That is an unknown shape, like all
 * the rest.
 */
#ifndef KS_VMGENID_H
#define KS_VMGENID_H

#include "bytes.h"
#include "machine/facts.h"
#include "seed_mix.h"

/*
 * A table of ACPI code that is larger, or more of them, is refused: real machines have a
 * few dozen, of some 100 KiB.
 */
#define VMGENID_TABLE_MAX  ((size_t)1 << 20)
#define VMGENID_TABLES_MAX 256

/*
 * Looks for the device in @count whole tables (header and code; @files is only read) and
 * works its address out: VMGENID_ABSENT, VMGENID_FOUND or VMGENID_UNKNOWN_SHAPE, or
 * VMGENID_BAD_ADDRESS for a value that the firmware has not filled in. The address is not
 * checked against the machine. In time that is proportional to the size of all tables.
 */
void vmgenid_find(const struct bytes *files, size_t count, struct vmgenid_facts *out);

/*
 * Makes VMGENID_BAD_ADDRESS of an address that cannot be right in this machine: not
 * aligned to 8 bytes, more than the processor has, or in memory that the kernel uses.
 * What the firmware keeps for itself and what no map mentions is fine.
 */
void vmgenid_check(const struct facts *f, struct vmgenid_facts *v);

/*
 * Both for the tables below @root, in /sys/firmware/acpi/tables. @f has the memory maps
 * and the processor already. Never fails: what is in the way is told in @out.
 */
void vmgenid_read(const char *root, const struct facts *f, struct vmgenid_facts *out);

#endif
