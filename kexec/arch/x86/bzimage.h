/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bzimage.h - bzImages, the kernel files of the x86 boot protocol:
 * Documentation/arch/x86/boot.rst.
 */
#ifndef KS_BZIMAGE_H
#define KS_BZIMAGE_H

#include "error.h"
#include "image/format.h"

/* True if @head begins a bzImage. */
bool bzimage_is(struct bytes head);

/*
 * Parses a bzImage of boot protocol 2.02 or later that is loaded high. Fields that its
 * protocol lacks get the default from boot.rst. Without a 64-bit entry point it is
 * entered in 32-bit mode; if not relocatable, it is fixed. Reads only @head, a copy of
 * the first bytes of @file; @out borrows from both. 0, or -ENOEXEC with the reason.
 */
int bzimage_parse(struct bytes head, struct bytes file, struct image *out,
		  struct error *err);

/* Selects the 32-bit entry point. */
void bzimage_enter_32bit(struct image *image);

/* For the format table: see image_format. */
int bzimage_probe(struct bytes start, uint64_t file_size, struct error *err);
int bzimage_open(struct file *f, struct bytes start, const struct image_request *request,
		 struct image *out, struct image_extras *extras, struct error *err);

#endif
