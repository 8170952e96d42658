/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256.h - SHA-256 (FIPS 180-4), one source for user space and the purgatory.
 *
 * No allocation, no library, no state outside the context. No function leaves message
 * words on the stack or in vector registers.
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

/*
 * Writes the digest to @out and wipes the context; call sha256_init() before using it
 * again.
 */
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

/* Writes the digest of the @size bytes at @data to @out. */
void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE]);

#endif
