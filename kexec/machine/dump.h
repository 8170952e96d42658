/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dump.h - what a crash kernel must be told about the running kernel, so that it can make
 * a dump of it. Needed for crash images only, so not part of struct facts.
 */
#ifndef KS_DUMP_H
#define KS_DUMP_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the kernel will write an ELF note when it crashes: physical address, bytes. */
struct dump_note {
	uint64_t addr;
	uint64_t size;
};

struct dump_facts {
	struct dump_note *cpus; /* owned; in the order of their numbers */
	size_t nr_cpus;
	struct dump_note vmcoreinfo;
	uint64_t text_vaddr; /* the kernel from _text to _end */
	uint64_t text_paddr;
	uint64_t text_size;
	uint64_t direct_map; /* virtual address of physical address 0 */
	/*
	 * The running kernel can keep the loaded headers up to date when processors or
	 * memory come and go, if they have room for so many bytes (Linux >= 6.6); 0: cannot.
	 */
	uint64_t hotplug_size;
};

/*
 * Reads the facts below @root: /sys/devices/system/cpu/cpuN/crash_notes{,_size},
 * /sys/kernel/vmcoreinfo, /proc/kcore, KEXEC_SYSFS_CRASH_ELFCOREHDR_SIZE. All but the last
 * must be there. 0 or a negative errno; on failure nothing is left to free.
 */
int dump_facts_read(const char *root, struct dump_facts *out, struct error *err);

void dump_facts_free(struct dump_facts *d);

#endif
