/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * open.h - from a kernel file of any kind to what is loaded.
 *
 * The kind is found by content: bzImage, UKI, ELF vmlinux, each as it is or in gzip, xz or
 * zstd. What is behind this sees a bzImage, or what looks like one.
 */
#ifndef KS_OPEN_H
#define KS_OPEN_H

#include "base/file.h"
#include "error.h"
#include "image/image.h"

/* How the user wants it. */
struct image_request {
	enum image_type type; /* the content has to be this, unless IMAGE_ANY */
	bool entry_32bit;     /* enter it in 32-bit mode */
	bool initrd;	      /* a UKI's own initrd is wanted */
	bool cmdline;	      /* a UKI's own command line is wanted */
};

/* What a UKI has besides its kernel. */
struct image_extras {
	bool has_initrd, has_cmdline, has_dtb;
	struct file initrd; /* owned; FILE_NONE: not there or not wanted */
	char *cmdline;	    /* owned; NULL: not there or not wanted */
};

/*
 * @kernel is an open file; its content becomes that of the kernel alone, in a memfd where
 * it is not a plain bzImage. @out borrows from it. @extras is the caller's to free
 * (image_extras_free()), whatever happens. 0 or a negative errno; the message has the path
 * in it.
 */
int image_open(struct file *kernel, const struct image_request *request,
	       struct image *out, struct image_extras *extras, struct error *err);

void image_extras_free(struct image_extras *extras);

#endif
