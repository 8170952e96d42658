/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kcore.h - /proc/kcore: the running kernel's memory as an ELF core file.
 *
 * Its program headers say where the kernel lies and how it maps physical memory
 * (fs/proc/kcore.c); its content gives memory back by physical address, the region
 * reserved for a crash kernel too. CAP_SYS_RAWIO, and no lockdown=confidentiality.
 */
#ifndef KS_KCORE_H
#define KS_KCORE_H

#include "error.h"
#include "range.h"

#define KCORE_PATH "/proc/kcore"

/* One PT_LOAD. */
struct kcore_load {
	uint64_t vaddr;
	uint64_t paddr; /* UINT64_MAX: not known, as for vmalloc and modules */
	uint64_t size;
	uint64_t offset; /* in the file */
};

struct kcore {
	int fd;			  /* owned; -1: none */
	struct kcore_load *loads; /* owned */
	size_t count;
};

#define KCORE_NONE ((struct kcore){ .fd = -1 })

/*
 * Opens @path and reads its headers. 0; -ENOENT, -EPERM and so on, with the line; -EBADMSG
 * for bytes that are no such file. On failure @out is KCORE_NONE.
 */
int kcore_open(const char *path, struct kcore *out, struct error *err);

void kcore_close(struct kcore *k);

/*
 * Reads exactly @size bytes of physical memory from @addr straight into @buf. -ENXIO when
 * the file does not cover all of it; -EIO and others as read(2) says.
 */
int kcore_read(const struct kcore *k, uint64_t addr, void *buf, size_t size,
	       struct error *err);

/* The load that is the kernel's own text and data, NULL when none looks like it. */
const struct kcore_load *kcore_text(const struct kcore *k);

/* Where the kernel maps physical address 0, into *@base; false when it does not tell. */
bool kcore_direct_map(const struct kcore *k, uint64_t *base);

#endif
