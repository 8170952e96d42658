/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file.h - files as bytes.
 */
#ifndef KS_FILE_H
#define KS_FILE_H

#include "bytes.h"
#include "error.h"

/* A kernel or initrd: mapped from the page cache where that is possible, never copied. */
struct file {
	char *path; /* owned */
	int fd;	    /* owned; -1: none (content that came out of a compressed file) */
	struct bytes bytes; /* valid until file_close() */
	void *mapping;	    /* what file_close() unmaps */
};

#define FILE_NONE ((struct file){ .fd = -1 })

/*
 * Opens and maps the regular file @path. An empty file, a directory or a device is an
 * error. 0 or a negative errno; on failure @out is FILE_NONE.
 */
int file_open(const char *path, struct file *out, struct error *err);

/*
 * The same for a file that cannot be mapped (/sys): its content goes into a memfd.
 */
int file_open_copy(const char *path, struct file *out, struct error *err);

/* Unmaps, closes and resets to FILE_NONE. Harmless on FILE_NONE. */
void file_close(struct file *f);

/*
 * Reads a small file of /proc or /sys, whose size stat() does not tell, into memory that
 * the caller frees; a NUL follows the *@size bytes. -EFBIG when there are more than @max
 * bytes. No message: the caller knows whether the file matters.
 */
int file_slurp(const char *path, size_t max, char **data, size_t *size);

#endif
