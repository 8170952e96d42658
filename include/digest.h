/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - the digest of a range, designed to be computed at memory speed.
 *
 * A range is cut into chunks of DIGEST_CHUNK bytes; the last one may be shorter. The digest
 * of the range is SHA-256 over the concatenated SHA-256 digests of its chunks. Chunks are
 * independent: the lanes of one CPU hash several at a time, and the loader spreads them
 * over threads. Only the root is kept, so the parameter block has a fixed size.
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
 * Chunks hashed together. A pair of rounds takes 4 cycles and a CPU starts one every 1 to
 * 3, so four lanes keep it busy.
 */
#define DIGEST_LANES 4u

enum digest_impl {
	DIGEST_PORTABLE = 0,
	DIGEST_CPU_SHA = 1, /* the CPU's SHA instructions; needs vector registers */
};

/* The best implementation for this CPU. User space only: the purgatory is told. */
enum digest_impl digest_best_impl(void);

/* Number of chunks in @size bytes; 0 for an empty range. */
static inline uint64_t digest_chunks(uint64_t size)
{
	return size / DIGEST_CHUNK + (size % DIGEST_CHUNK != 0);
}

/*
 * Writes the digests of the chunks of @size bytes at @data, which start at a chunk boundary,
 * to out[0 .. digest_chunks(size)-1]. An unknown @impl means DIGEST_PORTABLE. Leaves no
 * data on the stack or in vector registers.
 */
void digest_chunk_run(enum digest_impl impl, const void *data, size_t size,
		      uint8_t (*out)[SHA256_SIZE]);

/* Writes the digest of the range to @out, with the same guarantee. Uses no heap. */
void digest_range(enum digest_impl impl, const void *data, size_t size,
		  uint8_t out[SHA256_SIZE]);

#endif
