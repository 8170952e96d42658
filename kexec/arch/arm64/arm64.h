/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64.h - declarations shared by the files of this directory.
 */
#ifndef KS_ARM64_H
#define KS_ARM64_H

#include "arch/arch.h"
#include "arch/dt/tree.h"
#include "machine/machine.h"
#include "plan/builder.h"

/*
 * Addresses have at most 48 bits: booting.rst, "Image placement". The running kernel and
 * the next one may use 52, but neither has to.
 */
#define ARM64_PLACE_END (1ull << 48)

/* The instruction that calls PSCI firmware; the numbers mean nothing outside. */
enum psci_conduit {
	PSCI_NONE, /* unknown: no firmware calls */
	PSCI_HVC,
	PSCI_SMC,
};

enum uart_kind {
	UART_NONE,
	UART_PL011,
	UART_8250,
};

struct uart {
	enum uart_kind kind;
	uint64_t addr;	    /* physical */
	unsigned int shift; /* of register numbers: register n is at n << shift */
	unsigned int width; /* bytes of an access: 1, 2 or 4 */
};

/* Of the CPU that runs the loader. A virtual machine may move to another one. */
struct cpu {
	bool sha2; /* SHA256H and so on */
	bool rndr; /* RNDR and RNDRRS */
};

struct arch_machine {
	struct dt tree; /* of the running kernel; empty: see no_tree */
	int no_tree;	/* the negative errno that kept it from us; 0: it was read */
	bool uefi;	/* booted through UEFI: its memory map counts, not the tree's */
	struct cpu cpu;
	enum psci_conduit conduit;
	struct uart console; /* of firmware: stdout-path, or ACPI's SPCR */
};

/* image.arch_flags: page size of the kernel, as in the header's flags: 1 4K, 2 16K, 3 64K */
#define ARM64_PAGES_MASK 0x3u

/*
 * Reads the CPU features from /proc/cpuinfo below @root. A missing file is no error. 0 or
 * a negative errno with the line.
 */
int arm64_cpu_read(const char *root, struct cpu *out, struct error *err);

/*
 * Reads the page size of the machine below @root from /proc/self/auxv into @out, bytes.
 * For "" it cannot be missing; a capture without it counts as one of 4 KiB, with a note.
 * 0 or a negative errno with the line.
 */
int arm64_page_size_read(const char *root, uint64_t *out, struct notes *notes,
			 struct error *err);

/*
 * Read PSCI's conduit and the console of firmware from the device tree, and from ACPI's
 * FADT and SPCR below @root where the tree has neither. What is missing or strange is left
 * unknown. 0 or a negative errno with the line.
 */
int arm64_firmware_read(const char *root, struct arch_machine *m, struct error *err);

#endif
