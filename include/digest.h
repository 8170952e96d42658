/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - the digest of a range, designed to be computed at memory speed.
 *
 * A range is cut into chunks of DIGEST_CHUNK bytes; the last one may be shorter. The
 * digest of the range is SHA-256 over the concatenated SHA-256 digests of its chunks.
 * Chunks are independent: the lanes of one CPU hash several at a time, and the loader
 * spreads them over threads. Only the root is kept, so the parameter block has a fixed
 * size.
 *
 * The same source runs in user space and in the purgatory.
 */
#ifndef KS_DIGEST_H
#define KS_DIGEST_H

#include "sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_CHUNK 65536u /* bytes */
/*
 * Chunks hashed in parallel. A pair of rounds takes 4 cycles and a CPU starts one every 1
 * to 3, so four lanes keep it busy.
 */
#define DIGEST_LANES 4u

enum digest_impl {
	DIGEST_PORTABLE = 0,
	DIGEST_CPU_SHA = 1, /* the CPU's SHA instructions; needs vector registers */
};

/*
 * Returns the fastest implementation that this CPU supports. User space only: the
 * purgatory gets it from the loader (purgatory_params.digest_impl).
 */
enum digest_impl digest_best_impl(void);

/* Returns the number of chunks in @size bytes; 0 for an empty range. */
static inline uint64_t digest_chunks(uint64_t size)
{
	return size / DIGEST_CHUNK + (size % DIGEST_CHUNK != 0);
}

/*
 * Writes the digest of each chunk of the @size bytes at @data to out[0 ..
 * digest_chunks(size)-1]. @data is at a chunk boundary of its range. An unknown @impl
 * means DIGEST_PORTABLE. Leaves no data on the stack or in vector registers.
 */
void digest_chunk_run(enum digest_impl impl, const void *data, size_t size,
		      uint8_t (*out)[SHA256_SIZE]);

/*
 * Writes the digest of the @size bytes at @data to @out and leaves no data behind either.
 * Uses no heap.
 */
void digest_range(enum digest_impl impl, const void *data, size_t size,
		  uint8_t out[SHA256_SIZE]);

#endif
