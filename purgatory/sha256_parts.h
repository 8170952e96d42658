/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256_parts.h - shared by the implementations of SHA-256. Private to this directory;
 * section numbers are those of FIPS 180-4.
 */
#ifndef KS_SHA256_PARTS_H
#define KS_SHA256_PARTS_H

#include "digest.h"
#include "sha256.h"

#define SHA256_WORDS  8 /* of 32 bits in the state: a to h */
#define SHA256_ROUNDS 64

#pragma GCC visibility push(hidden)

/* Section 4.2.2, aligned to 16 bytes; section 5.3.3. */
extern const uint32_t sha256_round_constants[SHA256_ROUNDS];
extern const uint32_t sha256_initial_state[SHA256_WORDS];

/*
 * Absorbs @blocks whole blocks at @data into the first state, those @stride bytes further
 * into the second, and so on; no alignment needed. With @stride 0 all states get the same
 * data. Needs a CPU with the SHA extensions and, in the purgatory, SSE enabled. On return
 * the vector registers are zeroed; the dead stack is not.
 */
void sha256_cpu_absorb(uint32_t state[DIGEST_LANES][SHA256_WORDS], const uint8_t *data,
		       size_t stride, size_t blocks);

/* Zeroes the vector registers after a sha256_cpu_absorb() that an exception ended. */
void sha256_cpu_wipe(void);

#pragma GCC visibility pop

static inline void store_be32(uint8_t *p, uint32_t x)
{
	x = __builtin_bswap32(x);
	__builtin_memcpy(p, &x, sizeof(x));
}

#endif
