/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash.h - what is different about a crash image: its room, its memory map, its words on
 * the command line.
 */
#ifndef KS_CRASH_H
#define KS_CRASH_H

#include "error.h"
#include "machine/facts.h"
#include "range.h"

/*
 * How much the kernel needs at the bottom of the crash region for itself (bytes, whole
 * pages): its control code, its copy of vmcoreinfo, and page tables for all of @ram
 * (kimage_alloc_crash_control_pages() and machine_kexec_prepare()). It takes the lowest
 * pages that no segment of the call covers, so a refresh, which lists few, is safe only
 * with so much room below them.
 */
uint64_t crash_hole_needed(const struct e820_map *ram, bool gbpages);

/* How much to leave free: the same with a reserve, since memory may be plugged in. */
uint64_t crash_hole_size(const struct e820_map *ram, bool gbpages);

/*
 * The memory of the next kernel, as crash_setup_memmap_entries() of the kernel has it:
 * what firmware needs, RAM below 1 MiB, and the crash regions, those of crashkernel=X,cma
 * too, without @elfcorehdr, which must outlive its start. 0, or as e820_add().
 */
int crash_e820(const struct facts *facts, struct range elfcorehdr, struct e820_map *out,
	       struct error *err);

/*
 * The command line: "elfcorehdr=0x.. ", which leads as it does after kexec_file_load(),
 * then @cmdline, then with @memmap the words that say what @map does. The caller frees
 * it; NULL when memory ran out.
 */
char *crash_cmdline(uint64_t elfcorehdr, const char *cmdline,
		    const struct e820_map *memmap);

#endif
