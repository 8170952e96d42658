/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - the digest of a range, made so that it can be computed at memory speed.
 *
 * A range is cut into chunks of DIGEST_CHUNK bytes, the last one shorter. The digest of
 * the range is SHA-256 over the SHA-256 digests of its chunks, one after the other. The
 * chunks are independent of each other: several at a time go through the lanes of one
 * processor, and a loader can give them to several processors. Nothing but the root is
 * kept, so the parameter block has a fixed size.
 *
 * One source for user space and the purgatory; the way is chosen at run time.
 */
#ifndef KS_DIGEST_H
#define KS_DIGEST_H

#include "sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_CHUNK 65536u /* bytes */
/*
 * Chunks that go through the processor together. A pair of rounds takes 4 cycles, and a
 * processor begins one every 1 to 3: four lanes keep it busy.
 */
#define DIGEST_LANES 4u

enum digest_way {
	DIGEST_PORTABLE = 0,
	DIGEST_SHA_NI = 1, /* the SHA extensions, lanes interleaved; needs SSE on */
};

/* The best way that this processor has (CPUID). Not in the purgatory, which is told. */
enum digest_way digest_best_way(void);

/* How many chunks @size bytes make; an empty range has none. */
static inline uint64_t digest_chunks(uint64_t size)
{
	return size / DIGEST_CHUNK + (size % DIGEST_CHUNK != 0);
}

/*
 * The digests of the chunks of @size bytes at @data, which start at a chunk's boundary,
 * into out[0 .. digest_chunks(size)-1]. A @way that is none of the above is
 * DIGEST_PORTABLE. Leaves nothing of the data on the stack or in vector registers.
 */
void digest_chunk_run(enum digest_way way, const void *data, size_t size,
		      uint8_t (*out)[SHA256_SIZE]);

/* The digest of the range @data into @out, in the same manner; no memory but the stack. */
void digest_range(enum digest_way way, const void *data, size_t size,
		  uint8_t out[SHA256_SIZE]);

#endif
