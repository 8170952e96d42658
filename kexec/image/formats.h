/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * formats.h - which kernel files this build can open: it depends on the libraries that it
 * was built with.
 */
#ifndef KS_FORMATS_H
#define KS_FORMATS_H

/*
 * For --version and --help: kernels, then what they may be wrapped in, as in
 * "bzImage, UKI, ELF vmlinux; gzip, xz, zstd".
 */
const char *image_formats(void);

/* What this build lacks and for want of which library, or NULL: "xz (liblzma)". */
const char *image_formats_missing(void);

#endif
