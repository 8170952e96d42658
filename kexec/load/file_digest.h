/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_digest.h - the digest of a part of a file, or of what is read like one, computed
 * while it is read.
 *
 * Read, not looked at through the mapping: a file that is truncated meanwhile then is an
 * error and not a SIGBUS. Takes a few hundred KiB for each processor it uses.
 */
#ifndef KS_FILE_DIGEST_H
#define KS_FILE_DIGEST_H

#include "base/file.h"
#include "sha256.h"

#include <stdbool.h>

/* What gives bytes to be hashed. */
struct digest_source {
	/* exactly @size bytes from @offset; 0 or a negative errno */
	int (*read)(const void *from, uint64_t offset, void *buf, size_t size,
		    struct error *err);
	const void *from;
	bool alone;		   /* may be read by one thread only */
	struct progress *progress; /* begun by the caller; or NULL */
};

/* Digest (digest.h) of the @size bytes from @offset of the source. 0 or what read says. */
int source_digest(const struct digest_source *source, uint64_t offset, uint64_t size,
		  uint8_t out[SHA256_SIZE], struct error *err);

/*
 * Digest (digest.h) of the @size bytes from @offset. Uses as many of the processors that
 * it may run on as pay. 0 or a negative errno.
 */
int file_digest(const struct file *f, uint64_t offset, uint64_t size,
		uint8_t out[SHA256_SIZE], struct error *err);

#endif
