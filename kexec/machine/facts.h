/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * facts.h - what the running machine is, read once.
 *
 * Nothing here decides anything: the plan does. Everything is read below a root folder
 * ("" for the machine itself), so that the captured /proc and /sys of other machines
 * serve as tests.
 */
#ifndef KS_FACTS_H
#define KS_FACTS_H

#include "bytes.h"
#include "error.h"
#include "range.h"

#include <asm/bootparam.h>
#include <stdbool.h>

/* The firmware's memory map: sorted by address, as the next kernel shall see it. */
struct e820_map {
	struct boot_e820_entry *entries; /* owned */
	size_t count;
};

struct efi_facts {
	bool present;	    /* booted through EFI and its runtime services are on */
	uint64_t fw_vendor; /* the addresses that SETUP_EFI hands on */
	uint64_t config_table;
	uint64_t smbios; /* 0: none */
	uint64_t acpi20; /* 0: none */
	uint64_t acpi;	 /* 0: none */
	/*
	 * The runtime map as the next kernel gets it: efi_memory_desc_t entries, each
	 * desc_size bytes apart. Owned; NULL when the kernel does not show it.
	 */
	uint8_t *runtime_map;
	size_t runtime_map_size;
	size_t desc_size;
};

struct cpu_facts {
	bool la57;   /* the running kernel uses 5-level paging */
	bool sha_ni; /* the SHA extensions, and the SSE that they go with */
	bool rdseed;
	bool rdrand;
	bool tsc;
	bool gbpages; /* 1 GiB pages: the processor has them and the kernel uses them */
	unsigned int physical_bits; /* 0: not known */
};

enum vmgenid_state {
	VMGENID_ABSENT,	       /* no such device, or no ACPI at all */
	VMGENID_FOUND,	       /* addr is valid */
	VMGENID_UNKNOWN_SHAPE, /* there seems to be one, but not where it keeps the ID */
	VMGENID_BAD_ADDRESS,   /* at an address that cannot be right */
	VMGENID_HIDDEN,	       /* the tables are for root only */
};

/* The VM generation ID: see machine/vmgenid.h. */
struct vmgenid_facts {
	enum vmgenid_state state;
	uint64_t addr; /* physical; 0 unless VMGENID_FOUND */
	char why[96];  /* a word on the state, for people */
};

struct facts {
	struct e820_map e820;
	/*
	 * The same kinds of memory as /proc/iomem has them at this moment, in its order:
	 * RAM (with what drivers manage), ACPI, reserved, nested ones too. From these,
	 * not from e820, kexec_file_load() makes a crash kernel's map and ELF core
	 * headers. Empty when the kernel hides the addresses from us.
	 */
	struct e820_map iomem;
	/*
	 * Where a segment may go: RAM as firmware and kernel agree on it, page aligned,
	 * without the region reserved for the crash kernel.
	 */
	struct ranges ram;
	struct range crash; /* crashkernel=, the main region; empty when there is none */
	struct range crash_low; /* and its part below 4 GiB */
	/*
	 * crashkernel=X,cma: what the crash kernel may use besides, and the running one
	 * until then; empty when the kernel does not tell.
	 */
	struct ranges crash_cma;

	bool has_boot_params; /* /sys/kernel/boot_params/data was there and whole */
	struct boot_params boot_params; /* as the running kernel was handed it */
	struct efi_facts efi;
	uint64_t rsdp; /* ACPI's root pointer; 0: not known */
	struct cpu_facts cpu;
	struct vmgenid_facts vmgenid;
	char *cmdline; /* of the running kernel, without the newline; owned; or NULL */
};

/*
 * Reads the facts below @root. What a machine may lack (EFI, EDD, a crash region) is left
 * empty; what the plan cannot do without (a memory map) is an error. 0 or a negative
 * errno; on failure nothing is left to free.
 */
int facts_read(const char *root, struct facts *out, struct error *err);

void facts_free(struct facts *f);

#endif
