/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * phys_mem.h - single words of physical memory that is not RAM, through /dev/mem.
 *
 * Firmware tells the operating system things in such memory. Reading needs CAP_SYS_RAWIO.
 * The kernel denies it under lockdown, and with IO_STRICT_DEVMEM where a driver, or ACPI
 * for its NVS memory, has claimed the range (drivers/char/mem.c).
 */
#ifndef KS_PHYS_MEM_H
#define KS_PHYS_MEM_H

#include "error.h"
#include "machine/memory_map.h"

struct phys_mem {
	/*
	 * Reads @size bytes (at most 16) at the address @addr into @buf. 0 or a negative
	 * errno with the line. Tests put a function and data of their own here.
	 */
	int (*read)(const struct phys_mem *m, uint64_t addr, void *buf, size_t size,
		    struct error *err);
	const char *root; /* as in machine.h; not "": a sparse file has the memory */
	const struct memory_map *firmware, *iomem;
};

/* What was read. */
struct phys_word {
	uint64_t addr;
	uint8_t size; /* bytes */
	uint8_t data[9];
};

/* Writes "ADDRESS=BYTES", in hexadecimal and in the order of memory; returns @out. */
#define PHYS_WORD_TEXT 48
const char *phys_word_text(const struct phys_word *w, char out[PHYS_WORD_TEXT]);

/* A struct phys_mem.read that reads @root/dev/mem. RAM is refused with -EPERM. */
int phys_mem_read(const struct phys_mem *m, uint64_t addr, void *buf, size_t size,
		  struct error *err);

/*
 * As read(2) of @size bytes at @addr from @fd, but by way of a mapping: /dev/mem has no
 * read() for addresses above RAM. Each access is as wide as its alignment permits, since
 * the memory may be a device's. 0 or a negative errno; -EFAULT: no memory answers there.
 */
int phys_mem_copy(int fd, uint64_t addr, void *buf, size_t size);

/*
 * The same if @fd is a device, whose read(2) is tried last; a file in its place is read.
 * -ENODATA: the file ends before.
 */
int phys_mem_fetch(int fd, uint64_t addr, void *buf, size_t size);

/*
 * True if drivers have mapped memory with memremap(), but not @addr: then a driver that
 * should have does not agree about the address. From /proc/vmallocinfo below @root, which
 * only root can read; false if it says nothing (mm/vmalloc.c prints, kernel/iomem.c maps).
 */
bool phys_mem_is_unmapped(const char *root, uint64_t addr);

#endif
