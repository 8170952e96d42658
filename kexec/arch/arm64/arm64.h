/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64.h - declarations shared by the files of this directory.
 */
#ifndef KS_ARM64_H
#define KS_ARM64_H

#include "arch/arch.h"
#include "arch/arm64/purgatory.h"
#include "arch/dt/machine.h"
#include "machine/machine.h"
#include "plan/builder.h"

/*
 * Addresses have at most 48 bits: booting.rst, "Image placement". The running kernel and
 * the next one may use 52, but neither has to.
 */
#define ARM64_PLACE_END (1ull << 48)

struct arch_machine {
	struct dt_machine dt;
	struct arm64_cpu cpu;
	uint32_t conduit; /* PURGATORY_CONDUIT_ */
};

/* image.arch_flags: page size of the kernel, as in the header's flags: 1 4K, 2 16K, 3 64K */
#define ARM64_PAGES_MASK 0x3u

/*
 * Reads the CPU features from /proc/cpuinfo below @root. A missing file is no error. 0 or
 * a negative errno with the line.
 */
int arm64_cpu_read(const char *root, struct arm64_cpu *out, struct error *err);

/*
 * Reads the page size of the machine below @root from /proc/self/auxv into @out, bytes.
 * For "" it cannot be missing; a capture without it counts as one of 4 KiB, with a note.
 * 0 or a negative errno with the line.
 */
int arm64_page_size_read(const char *root, uint64_t *out, struct notes *notes,
			 struct error *err);

/*
 * Reads PSCI's conduit from the device tree, or from ACPI's FADT below @root. What is
 * missing or strange is left unknown. 0 or a negative errno with the line.
 */
int arm64_firmware_read(const char *root, struct arch_machine *m, struct error *err);

#endif
