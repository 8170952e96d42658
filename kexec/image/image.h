/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - a parsed kernel image: segment content and placement constraints.
 *
 * The plan decides about addresses. All fields have been checked against the file's size.
 */
#ifndef KS_IMAGE_H
#define KS_IMAGE_H

#include "bytes.h"

/* Concatenated initrds start at multiples of this many bytes (buffer-format.rst). */
#define INITRD_ALIGN 4u

struct image_format;

struct image {
	const struct image_format *format; /* of the file */
	struct bytes header;   /* part of the image for the boot data; borrowed */
	struct bytes kernel;   /* content of the kernel segment; borrowed */
	uint64_t entry_offset; /* of the entry point, in bytes from the segment's start */
	uint64_t mem_size;     /* bytes of memory for the segment, page aligned */
	uint64_t align;	       /* of the address: a power of two, at least a page */
	uint64_t align_offset; /* the address is this many bytes, whole pages, behind */
	uint64_t min_addr;     /* lowest address of the segment */
	bool fixed;	       /* not relocatable: the address must be min_addr */
	uint32_t entry_mode;   /* PURGATORY_ENTRY_64 ... */
	uint32_t arch_flags;   /* private to arch/ */
	uint64_t max_addr;     /* exclusive limit of kernel and boot data; 0: none */
	/* exclusive limit of the kernel, which then goes as low as possible; 0: none */
	uint64_t low_end;
	uint64_t initrd_max; /* with max_addr: exclusive limit of the initrd */
	/*
	 * kernel and initrd must be in one window of this many bytes, at a multiple of a
	 * GiB; 0: anywhere
	 */
	uint64_t initrd_window;
	uint64_t cmdline_max; /* bytes, without the final NUL */
	/* For kexec_file_load(): why the kernel refuses this image (NULL: accepted), */
	const char *no_file_load;
	uint64_t file_cmdline_max; /* and the limit on its command line, bytes */
};

#endif
