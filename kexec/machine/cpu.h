/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu.h - what /proc/cpuinfo and /proc/meminfo tell about paging.
 */
#ifndef KS_CPU_H
#define KS_CPU_H

#include "bytes.h"
#include "machine/facts.h"

/*
 * Takes flags and address size of the first processor in @text. The flag la57 is there
 * only while the kernel uses five levels (early_identify_cpu() clears it otherwise). What
 * is not in the text stays false or 0.
 */
void cpu_parse_cpuinfo(struct bytes text, struct cpu_facts *cpu);

/*
 * Takes back @cpu's 1 GiB pages when the kernel does not use them (nogbpages): then its
 * /proc/meminfo has no line DirectMap1G.
 */
void cpu_parse_meminfo(struct bytes text, struct cpu_facts *cpu);

/*
 * Reads both files below @root; one that is missing says nothing. A negative errno and a
 * line in @err when they are there, but for want of memory, say, could not be read.
 */
int cpu_read(const char *root, struct cpu_facts *cpu, struct error *err);

#endif
