/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256.h - SHA-256 (FIPS 180-4), the one source for user space and the purgatory.
 *
 * No allocation, no library, no state outside the context. What a context or its message
 * schedule held is wiped by sha256_final().
 */
#ifndef KS_SHA256_H
#define KS_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE  32
#define SHA256_BLOCK 64

struct sha256 {
	uint32_t state[8];
	uint64_t total; /* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t size);

/* The digest into @out; the context is wiped and must be initialised before it is used again. */
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

/* Digest of one stretch of memory. */
void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE]);

#endif
