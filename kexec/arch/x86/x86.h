/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86.h - declarations shared by the files of this directory.
 */
#ifndef KS_X86_H
#define KS_X86_H

#include "arch/arch.h"
#include "base/units.h"
#include "machine/machine.h"
#include "plan/builder.h"
#include "setup_data.h"

#define X86_PAGE 4096ull
#define LOW_END	 (4 * GIB) /* limit of old kernels and of the purgatory */

/*
 * A kernel with four levels of page tables has no address for memory above this
 * (Documentation/arch/x86/x86_64/mm.rst). The next one may use four even if this one
 * uses five: its build, command line and decompressor decide. So nothing goes there.
 */
#define FOUR_LEVEL_END (64 * 1024 * GIB)

struct efi {
	bool present; /* booted through EFI, with runtime services */
	/*
	 * Booted through EFI, but this negative errno kept its files from us; 0: they can
	 * be read, or the boot data does not speak of EFI.
	 */
	int unreadable;
	uint64_t fw_vendor; /* addresses passed in SETUP_EFI */
	uint64_t config_table;
	uint64_t smbios; /* 0: none */
	uint64_t acpi20; /* 0: none */
	uint64_t acpi;	 /* 0: none */
	/*
	 * Runtime map for the next kernel: efi_memory_desc_t entries, desc_size bytes
	 * apart. Owned; NULL: not exported by the kernel.
	 */
	uint8_t *runtime_map;
	size_t runtime_map_size;
	size_t desc_size;
};

struct cpu {
	bool la57;   /* the running kernel uses 5-level paging */
	bool sha_ni; /* SHA extensions, and the SSE level they need */
	bool rdseed;
	bool rdrand;
	bool tsc;
	bool gbpages; /* 1 GiB pages: supported by the CPU and used by the kernel */
	unsigned int physical_bits; /* 0: unknown */
};

struct arch_machine {
	bool has_boot_params; /* /sys/kernel/boot_params/data exists and is complete */
	struct boot_params boot_params; /* as passed to the running kernel */
	struct efi efi;
	uint64_t rsdp; /* address of the ACPI root pointer; 0: unknown */
	struct cpu cpu;
};

/* image.arch_flags */
#define X86_FIVE_LEVEL	   0x1u /* may be entered with 5-level paging on */
#define X86_NO_32BIT_ENTRY 0x2u

/* Sets entries of unknown type to the type in @bp (may be NULL), or MEMORY_RESERVED. */
void x86_resolve_unknown(struct memory_map *map, const struct boot_params *bp);

/* "RAM" for MEMORY_RAM; "RNG_SEED" for SETUP_RNG_SEED. Never NULL. */
const char *x86_memory_type_name(uint32_t type);
const char *x86_setup_type_name(uint32_t type);

/*
 * Builds the map of a crash kernel like crash_setup_memmap_entries() of the kernel:
 * firmware's memory, RAM below 1 MiB, and the crash regions without @elfcorehdr. Unlike
 * the kernel's, it has persistent memory: a dump may go there. 0 or a negative errno with
 * the line.
 */
int x86_crash_map(const struct machine *m, struct range elfcorehdr,
		  struct memory_map *out, struct error *err);

/* As arch_crash_cmdline(), with @memmap (may be NULL) appended as memmap= words. */
char *x86_crash_cmdline(uint64_t elfcorehdr, const char *cmdline,
			const struct memory_map *memmap);

static inline const struct boot_params *plan_boot_params(const struct plan *plan)
{
	return (const struct boot_params *)plan->boot_data;
}

/* True if the next kernel gets the EFI data of the running one. */
static inline bool x86_passes_efi(const struct plan_builder *b)
{
	const struct efi *efi = &b->in->machine->arch->efi;

	return efi->present && efi->runtime_map && !b->in->request->noefi;
}

/* A setup_data node. */
struct setup_node {
	uint32_t type;
	uint32_t len;
	uint64_t addr;
};

#define X86_MAX_NODES 8

/*
 * Lists the plan's setup_data chain, from the boot data and the seed prefix, in the order
 * in which the kernel walks it. Returns the number of nodes.
 */
size_t x86_setup_nodes(const struct plan *plan, struct setup_node nodes[X86_MAX_NODES]);

#endif
