/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decompress.h - unpacks kernel files compressed with gzip, xz or zstd.
 *
 * Formats are detected by content. A bzImage's payload is compressed too, but the kernel
 * unpacks that itself.
 */
#ifndef KS_DECOMPRESS_H
#define KS_DECOMPRESS_H

#include "base/file.h"
#include "error.h"

/* Limit in bytes: larger than any kernel. */
#define DECOMPRESS_MAX ((size_t)1 << 30)

struct unpacker;

struct compression {
	const char *name;
	const char *library;
	const char *magic; /* the file's first bytes */
	size_t magic_size;
	/* Opens the library: 0; -ENOTSUP with the line. NULL: built without it. */
	int (*open_library)(struct error *err);
	int (*unpack)(struct unpacker *u); /* NULL: the same */
};

/* Row @i of the table; NULL: past the end. */
const struct compression *compression_get(size_t i);

/*
 * Replaces @f by its unpacked content if it is compressed; otherwise does nothing. f->fd
 * becomes a memfd, as kexec_file_load() needs a descriptor; f->path stays. 0 or a
 * negative errno with the line: -ENOTSUP: the library is not installed, or built without; -EBADMSG: damaged or
 * truncated; -EFBIG: more than DECOMPRESS_MAX bytes, packed or unpacked. On failure @f is
 * unchanged.
 *
 * As for gzip(1) and xz(1), concatenated streams are one file, and zeroes after the last
 * stream are padding. Any other trailing bytes count as damage.
 */
int file_decompress(struct file *f, struct error *err);

/* The same, with an output limit of @max bytes. */
int file_decompress_max(struct file *f, size_t max, struct error *err);

#endif
