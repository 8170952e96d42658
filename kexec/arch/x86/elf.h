/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf.h - an uncompressed vmlinux: an ELF file whose segments have the physical addresses
 * of the kernel's parts.
 *
 * It is converted to the form of a bzImage: a setup header, then code that is loaded in
 * one piece. Only segments are read, not hundreds of megabytes of debug information.
 */
#ifndef KS_ELF_H
#define KS_ELF_H

#include "base/file.h"
#include "image/format.h"

/* Properties that a setup header cannot express. */
struct elf_kernel {
	uint64_t entry_offset; /* of the boot protocol's 64-bit entry point */
	bool five_level;       /* may be entered with 5-level paging on */
};

/*
 * Replaces the ELF file @f by its kernel, laid out as in memory after a setup header;
 * f->fd becomes a memfd. 0; -ENOEXEC: not an x86_64 Linux kernel, or damaged or
 * truncated; -EFBIG: larger than DECOMPRESS_MAX; the line names the file. On failure @f
 * is unchanged. Only in builds with libelf.
 */
int elf_unpack(struct file *f, struct elf_kernel *out, struct error *err);

/* Opens libelf: 0; -ENOTSUP with the line. Only in builds with it. */
int elf_open_library(struct error *err);

/* For the format table: see image_format. -ENOTSUP without libelf. */
int elf_probe(struct bytes start, uint64_t file_size, struct error *err);
int elf_open(struct file *f, struct bytes start, const struct image_request *request,
	     struct image *out, struct image_extras *extras, struct error *err);

#endif
