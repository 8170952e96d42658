/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_digest.h - digests part of a file, or of another readable source, while reading
 * it.
 *
 * Reads instead of hashing the mapping: if the file is truncated in the process, that is
 * an error, not a SIGBUS. Allocates a few hundred KiB for each CPU that it uses.
 */
#ifndef KS_FILE_DIGEST_H
#define KS_FILE_DIGEST_H

#include "base/file.h"
#include "sha256.h"

#include <stdbool.h>

/* A source of bytes to hash. */
struct digest_source {
	/* reads exactly @size bytes at @offset; 0 or a negative errno with the line */
	int (*read)(const void *from, uint64_t offset, void *buf, size_t size,
		    struct error *err);
	const void *from;
	bool alone;		   /* read only from a single thread */
	struct progress *progress; /* begun by the caller; may be NULL */
};

/*
 * Digest (digest.h) of @size bytes of the source from @offset. 0, -ENOMEM, or the error
 * of read.
 */
int source_digest(const struct digest_source *source, uint64_t offset, uint64_t size,
		  uint8_t out[SHA256_SIZE], struct error *err);

/*
 * Digest (digest.h) of @size bytes of the file from @offset. Uses as many of the CPUs
 * allowed to this process as are worth their threads. 0 or a negative errno with the
 * line.
 */
int file_digest(const struct file *f, uint64_t offset, uint64_t size,
		uint8_t out[SHA256_SIZE], struct error *err);

#endif
