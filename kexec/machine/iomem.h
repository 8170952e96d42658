/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iomem.h - /proc/iomem: current use of physical addresses.
 *
 * One line per resource: two blanks for each nesting level, first and last byte in
 * hexadecimal, a name (r_show() in kernel/resource.c). Without CAP_SYS_ADMIN all
 * addresses read as zero.
 */
#ifndef KS_IOMEM_H
#define KS_IOMEM_H

#include "bytes.h"
#include "error.h"
#include "machine/memory_map.h"
#include "range.h"

/* The kernel reserves one region, or two: one above and one below 4 GiB. */
#define IOMEM_MAX_CRASH	    2
#define IOMEM_KERNEL_RANGES 2

struct iomem {
	bool hidden; /* all addresses are zero, or no file: the rest is empty */
	/*
	 * All entries with a memory type, at any depth, in file order. An entry inside
	 * one of its own type is left out, as in the kernel's walks over its resources.
	 */
	struct memory_map map;
	/* RAM without driver-managed memory (virtio-mem, dax), which may be unplugged. */
	struct ranges ram;
	struct range crash[IOMEM_MAX_CRASH]; /* in file order */
	size_t crash_count;
	/* "Kernel data" and "Kernel bss"; empty: not listed, or beyond any memory */
	struct range kernel_memory[IOMEM_KERNEL_RANGES];
};

/*
 * Parses all of @text; skips unknown names. 0; -EINVAL for a malformed line or an
 * impossible range (the message names the line); -E2BIG; -ENOMEM. On failure nothing is
 * left to free.
 */
int iomem_parse(struct bytes text, struct iomem *out, struct error *err);

void iomem_free(struct iomem *m);

#endif
