/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kcore.h - /proc/kcore: the running kernel's memory as an ELF core file.
 *
 * Its program headers give the kernel's location and its mapping of physical memory
 * (fs/proc/kcore.c). Its content is memory by physical address, including the region
 * reserved for a crash kernel. Needs CAP_SYS_RAWIO and no lockdown=confidentiality.
 */
#ifndef KS_KCORE_H
#define KS_KCORE_H

#include "error.h"
#include "range.h"

#define KCORE_PATH "/proc/kcore"

/* One PT_LOAD. */
struct kcore_load {
	uint64_t vaddr;
	uint64_t paddr; /* UINT64_MAX: unknown, as for vmalloc and modules */
	uint64_t size;
	uint64_t offset; /* in the file */
};

struct kcore {
	int fd;			  /* owned; -1: none */
	struct kcore_load *loads; /* owned */
	size_t count;
	uint64_t lowest; /* virtual address of a load with a known physical one */
};

#define KCORE_NONE ((struct kcore){ .fd = -1, .lowest = UINT64_MAX })

/*
 * Opens @path and reads its headers. 0; -EBADMSG if it is not the memory of such a
 * kernel; -ENOENT, -EPERM and other negative errnos. All set @err; on failure @out is
 * KCORE_NONE.
 */
int kcore_open(const char *path, struct kcore *out, struct error *err);

void kcore_close(struct kcore *k);

/*
 * Reads exactly @size bytes of physical memory at @addr straight into @buf. 0; -ENXIO if
 * the file does not cover all of it; -EIO and others as read(2).
 */
int kcore_read(const struct kcore *k, uint64_t addr, void *buf, size_t size,
	       struct error *err);

/* Returns the load with the kernel's text and data, owned by @k; NULL if none fits. */
const struct kcore_load *kcore_text(const struct kcore *k);

/* Sets *@base to the virtual address of physical address 0; false if it is unknown. */
bool kcore_direct_map(const struct kcore *k, uint64_t *base);

#endif
