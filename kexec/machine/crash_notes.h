/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_notes.h - data of the running kernel that a crash kernel needs to dump it. Only
 * crash images need it, so it is not part of struct machine.
 */
#ifndef KS_CRASH_NOTES_H
#define KS_CRASH_NOTES_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An ELF note that the kernel writes when it crashes: physical address, bytes. */
struct crash_note {
	uint64_t addr;
	uint64_t size;
};

struct crash_notes {
	struct crash_note *cpus; /* owned; in the order of CPU numbers */
	size_t nr_cpus;
	struct crash_note vmcoreinfo;
	uint64_t text_vaddr; /* the kernel from _text to _end */
	uint64_t text_paddr;
	uint64_t text_size;
	uint64_t direct_map; /* virtual address of physical address 0 */
	/*
	 * The running kernel updates the loaded ELF headers on CPU and memory hotplug if
	 * they have room for this many bytes (Linux >= 6.6); 0: it cannot.
	 */
	uint64_t hotplug_size;
};

/*
 * Reads the notes below @root ("" for the machine):
 * /sys/devices/system/cpu/cpuN/crash_notes{,_size}, /sys/kernel/vmcoreinfo, /proc/kcore,
 * KEXEC_SYSFS_CRASH_ELFCOREHDR_SIZE. Only the last may be missing. 0 or a negative errno
 * with the line; on failure nothing is left to free.
 */
int crash_notes_read(const char *root, struct crash_notes *out, struct error *err);

void crash_notes_free(struct crash_notes *notes);

#endif
