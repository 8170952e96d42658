/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * meminfo.h - how much memory the running kernel has: /proc/meminfo, see
 * Documentation/filesystems/proc.rst.
 */
#ifndef KS_MEMINFO_H
#define KS_MEMINFO_H

#include "bytes.h"
#include "error.h"

/* In bytes; 0: unknown. */
struct meminfo {
	uint64_t total;	    /* MemTotal: less than all RAM, which holds the kernel, too */
	uint64_t available; /* MemAvailable and SwapFree */
};

void meminfo_parse(struct bytes text, struct meminfo *out);

/* Reads the file below @root; all is 0 if it is missing. 0 or a negative errno. */
int meminfo_read(const char *root, struct meminfo *out, struct error *err);

#endif
