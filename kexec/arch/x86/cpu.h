/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu.h - CPU features from /proc/cpuinfo and /proc/meminfo.
 */
#ifndef KS_CPU_H
#define KS_CPU_H

#include "arch/x86/x86.h"

/*
 * Takes flags and physical address size from the first CPU in @text. la57 is listed only
 * while the kernel uses five levels (early_identify_cpu() clears it otherwise). Absent
 * features stay false or 0.
 */
void cpu_parse_cpuinfo(struct bytes text, struct cpu *cpu);

/*
 * Clears @cpu->gbpages if the kernel does not use 1 GiB pages (nogbpages): its
 * /proc/meminfo then lacks DirectMap1G.
 */
void cpu_parse_meminfo(struct bytes text, struct cpu *cpu);

/*
 * Reads both files below @root; a missing file is not an error. A negative errno with the
 * line if one exists but cannot be read, for example -ENOMEM.
 */
int cpu_read(const char *root, struct cpu *cpu, struct error *err);

#endif
