/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - the running machine, read once.
 *
 * Reads only; the plan decides. All files are read below a root directory ("" for the
 * machine itself), so tests can use /proc and /sys captured on other machines.
 */
#ifndef KS_MACHINE_H
#define KS_MACHINE_H

#include "acpi/vmgenid.h"
#include "base/notes.h"
#include "error.h"
#include "machine/iomem.h"
#include "machine/memory_map.h"
#include "range.h"

#include <stdbool.h>

struct machine {
	uint64_t page_size; /* bytes; addresses and sizes of segments are multiples */
	/* The firmware's memory map, sorted; empty where the architecture has none. */
	struct memory_map firmware;
	/*
	 * The same types of memory as /proc/iomem lists them now, in its order and at any
	 * depth: RAM (with driver-managed memory), ACPI, reserved. The kernel builds a
	 * crash kernel's map and ELF core headers from these, not from the firmware's
	 * map. Empty if /proc/iomem hides its addresses.
	 */
	struct memory_map iomem;
	/*
	 * Ranges for segments: RAM on which firmware and kernel agree, in whole pages,
	 * without the regions reserved for the crash kernel.
	 */
	struct ranges ram;
	struct range crash;	/* crashkernel=: the main region; empty: none */
	struct range crash_low; /* and its part below 4 GiB */
	/*
	 * crashkernel=X,cma: more memory for the crash kernel; empty if unknown, and
	 * until machine_read_cma()
	 */
	struct ranges crash_cma;
	/* "Kernel data" and "Kernel bss": the running kernel's RNG is there. Empty: unknown */
	struct range kernel_memory[IOMEM_KERNEL_RANGES];
	unsigned int physical_bits; /* of an address; 0: unknown */
	bool large_pages;	    /* the kernel maps RAM with 1 GiB pages */
	struct vmgenid vmgenid;
	/*
	 * Of the running kernel, without newline; owned; NULL: unknown, and until
	 * machine_read_cmdline()
	 */
	char *cmdline;
	struct notes notes;	   /* owned: about facts in doubt */
	struct arch_machine *arch; /* owned; private to arch/ */
};

/*
 * Reads the machine below @root. Optional parts (a crash region, EFI) stay empty if
 * missing; a part that the plan needs (a memory map) is an error. 0 or a negative errno
 * with the line; on failure nothing is left to free.
 */
int machine_read(const char *root, struct machine *out, struct error *err);

/*
 * Reads only what /proc/iomem tells: iomem, crash and crash_low, before the architecture
 * settles types that /proc/iomem does not know. Errors as machine_read().
 */
int machine_read_iomem(const char *root, struct machine *out, struct error *err);

/*
 * Read one more part of @m, for those who need it: a bad file stops nobody else. A
 * missing file is no error. 0 or a negative errno with the line.
 */
int machine_read_cma(const char *root, struct machine *m, struct error *err);
int machine_read_cmdline(const char *root, struct machine *m, struct error *err);

/*
 * 1 if the machine below @root has memory devices: the kernel adds their memory by
 * itself, beyond its memory map. 0 if not, or unknown; a negative errno with the line.
 */
int machine_has_memory_devices(const char *root, struct error *err);

/* True if the kernel's own driver of the VM generation ID has a device below @root. */
bool machine_has_genid_driver(const char *root);

/*
 * Sets @out, which must be empty, to the RAM in @firmware and, unless hidden, in @iomem,
 * without crash regions, in whole pages of @page bytes. Where entries of @firmware
 * overlap, RAM gives way. 0 or a negative errno with the line; on failure nothing is left
 * to free.
 */
int machine_find_ram(const struct memory_map *firmware, const struct iomem *iomem,
		     uint64_t page, struct ranges *out, struct error *err);

/*
 * Changes VMGENID_FOUND to VMGENID_BAD_ADDRESS if the address is impossible on @m: 0, not
 * aligned to 8 bytes, beyond the CPU's address space or the purgatory's map, or in memory
 * that the kernel uses (memory_set_aside()).
 */
void machine_check_vmgenid(const struct machine *m, struct vmgenid *v);

void machine_free(struct machine *m);

#endif
