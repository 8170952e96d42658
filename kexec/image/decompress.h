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
 * truncated file, -EFBIG for more than DECOMPRESS_MAX bytes. On failure @f is as before.
 */
int file_decompress(struct file *f, struct error *err);

#endif
