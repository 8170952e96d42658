/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iomem.h - /proc/iomem: which address belongs to what right now.
 *
 * One line for each resource: two blanks for each level it is nested, first and last byte
 * in hexadecimal, a name (r_show() in kernel/resource.c). Who lacks CAP_SYS_ADMIN sees
 * zeroes for all addresses.
 */
#ifndef KS_IOMEM_H
#define KS_IOMEM_H

#include "bytes.h"
#include "error.h"
#include "machine/facts.h"
#include "range.h"

/* The kernel reserves one region, or two: one above and one below 4 GiB. */
#define IOMEM_MAX_CRASH 2

struct iomem {
	bool hidden; /* there are lines, but all addresses are zero: the rest is empty */
	/*
	 * Everything with a type that an E820 map knows, at whatever depth, in the file's
	 * order. What lies inside an entry of its own type is left out, as the kernel
	 * does when it walks its resources.
	 */
	struct e820_map map;
	/* RAM without what a driver manages (virtio-mem, dax): that may be taken away. */
	struct ranges ram;
	struct range crash[IOMEM_MAX_CRASH]; /* in the file's order */
	size_t crash_count;
};

/*
 * Parses the whole @text. Names that mean nothing here are skipped. 0; -EINVAL for a line
 * that is none, or a range that cannot be (the message names the line); -E2BIG; -ENOMEM.
 * On failure nothing is left to free.
 */
int iomem_parse(struct bytes text, struct iomem *out, struct error *err);

void iomem_free(struct iomem *m);

#endif
