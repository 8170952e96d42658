/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux_image.h - Image, the kernel as it lies in memory, and zboot, an EFI program that
 * unpacks one. arm64 and riscv64 have the same header but for its magic number and flags:
 * the kernel's Documentation/arch/arm64/booting.rst and
 * Documentation/arch/riscv/boot-image-header.rst.
 */
#ifndef KS_DT_LINUX_IMAGE_H
#define KS_DT_LINUX_IMAGE_H

#include "image/format.h"

struct linux_image {
	uint32_t code[2];
	uint64_t text_offset; /* of the first byte, from a multiple of the alignment */
	uint64_t image_size;  /* in memory, with bss; bytes */
	uint64_t flags;
	uint8_t version[24]; /* differs */
	uint8_t magic[4];
	uint32_t pe_offset;
};

_Static_assert(sizeof(struct linux_image) == 64, "booting.rst");

/* The architecture's part of the format, in its own folder. */
extern const char linux_image_magic[4];
extern const uint64_t linux_image_align; /* of the first byte, less text_offset */
extern const uint64_t linux_image_offset_max;
extern const uint64_t
	linux_image_cmdline_max; /* COMMAND_LINE_SIZE without the NUL; bytes */

/* Takes limits and flags from @header's flags into @out. */
void linux_image_take_flags(const struct linux_image *header, struct image *out);

/*
 * Parses the @file_size bytes of an Image that begins with @head into all of @out but its
 * kernel. 0; -ENOEXEC with the line: no such image, or not to be loaded; it names another
 * architecture's.
 */
int linux_image_parse(struct bytes head, uint64_t file_size, struct image *out,
		      struct error *err);

/* For the format table: see image_format. */
int linux_image_probe(struct bytes start, uint64_t file_size, struct error *err);
int linux_image_open(struct file *f, struct bytes start,
		     const struct image_request *request, struct image *out,
		     struct image_extras *extras, struct error *err);
int zboot_probe(struct bytes start, uint64_t file_size, struct error *err);
int zboot_open(struct file *f, struct bytes start, const struct image_request *request,
	       struct image *out, struct image_extras *extras, struct error *err);

#endif
