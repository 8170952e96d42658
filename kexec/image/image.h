/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - a kernel file, parsed: what has to be loaded and what it asks for.
 *
 * Parsing only: where things go is the plan's business. Everything is checked against the
 * size of the file; nothing is copied.
 */
#ifndef KS_IMAGE_H
#define KS_IMAGE_H

#include "bytes.h"
#include "error.h"

#include <asm/bootparam.h>

/* What a kernel file is. */
enum image_type {
	IMAGE_ANY, /* only as a wish: whatever the content says */
	IMAGE_BZIMAGE,
	IMAGE_ELF, /* an uncompressed vmlinux */
	IMAGE_UKI, /* a unified kernel image, whose bzImage is what is loaded */
};

struct image {
	enum image_type type; /* of the file; the kernel of a UKI is a bzImage */
	/*
	 * The setup header as it goes into boot_params at 0x1f1. It may be longer than
	 * the struct of our uapi headers: newer kernels add fields at its end.
	 */
	struct bytes header;
	struct setup_header
		hdr; /* the fields of it that we know; zero where it is shorter */

	struct bytes kernel;   /* the 64-bit code and payload: content of one segment */
	uint64_t entry_offset; /* of the entry point in that segment */
	uint64_t mem_size;     /* what the segment needs in memory, page aligned */
	uint64_t align;	       /* of its address, a power of two, a page or more */
	uint64_t min_addr;     /* its lowest address */
	bool fixed;	       /* not relocatable: its address must be min_addr */
	bool entry_32bit;      /* is entered in 32-bit mode, without paging */
	bool above_4g;	       /* kernel, initrd, command line may lie above 4 GiB */
	bool five_level;       /* may be entered while 5-level paging is on */
	uint64_t initrd_max;   /* first address past an initrd when !above_4g */
	uint64_t cmdline_max;  /* bytes, without the final NUL */
};

/* No kernel is shorter than this. In bytes. */
#define IMAGE_HEAD_MIN 0x290u

/* Whether a file that begins with @head says that it is a bzImage. */
bool image_is_bzimage(struct bytes head);

/*
 * Parses a bzImage (Documentation/arch/x86/boot.rst, protocol 2.02 and
 * later, loaded high). What its protocol is too old to say has the value that boot.rst
 * gives for that case. Without a 64-bit entry point it is entered in 32-bit mode; without
 * being relocatable it is fixed. Only @head is looked at, a copy of the first bytes of
 * @file; @out borrows from both. 0, or -ENOEXEC with what is wrong with it.
 */
int image_parse(struct bytes head, struct bytes file, struct image *out,
		struct error *err);

/*
 * Has a bzImage entered in 32-bit mode, whatever it has besides. 0, or -ENOEXEC for an ELF
 * vmlinux, which has no such entry point.
 */
int image_enter_32bit(struct image *image, struct error *err);

/* "bzImage", "UKI", "ELF vmlinux". */
const char *image_type_name(enum image_type type);

#endif
