/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decompress.h - a kernel file that is wrapped in gzip, xz or zstd.
 *
 * The wrapping is found by content, never by name. A bzImage's own payload compression is
 * the kernel's business and not touched.
 */
#ifndef KS_DECOMPRESS_H
#define KS_DECOMPRESS_H

#include "base/file.h"
#include "error.h"

/* More than any kernel; a file that grows beyond it is not one. In bytes. */
#define DECOMPRESS_MAX ((size_t)1 << 30)

/*
 * When @f's content is compressed, puts the unpacked content in its place: f->fd then is
 * a memfd (so that kexec_file_load() can have it), f->path stays. Otherwise nothing
 * happens. -ENOTSUP when this build lacks the library, -EBADMSG for a damaged or
 * truncated file, -EFBIG for more than DECOMPRESS_MAX bytes, packed or not. On failure
 * @f is as before.
 *
 * Several compressed streams one after the other are one file, and zeroes behind the last
 * one are padding, as for gzip(1) and xz(1). Anything else behind it counts as damage: a
 * kernel that is not quite what it should be is not booted.
 */
int file_decompress(struct file *f, struct error *err);

/* The same with a limit of @max bytes. */
int file_decompress_max(struct file *f, size_t max, struct error *err);

#endif
