// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speed of the purgatory's digest implementations. Linked with the blob's own objects, so
 * their compiler flags are the blob's.
 *
 * "SHA-NI ceiling" is the time that the rounds alone take when nothing waits for a
 * result: what is left of it to gain. It tells a slow processor, or one whose other half
 * a guard uses, from a slow program.
 */
#include "digest.h"
#include "measure.h"

#include <immintrin.h>

#define ROUND_PAIRS 32 /* per block; FIPS 180-4: 64 rounds */

static void portable(const uint8_t *data, size_t size)
{
	uint8_t digest[SHA256_SIZE];

	digest_range(DIGEST_PORTABLE, data, size, digest);
}

static void sha_ni(const uint8_t *data, size_t size)
{
	uint8_t digest[SHA256_SIZE];

	digest_range(DIGEST_CPU_SHA, data, size, digest);
}

/* Four independent chains: more than any CPU executes in parallel. */
__attribute__((target("sha,sse4.1"))) static void ceiling(const uint8_t *data,
							  size_t size)
{
	__m128i k = _mm_loadu_si128((const __m128i *)data), a = k, b = k, c = k, d = k;

	for (size_t i = 0; i < size / SHA256_BLOCK * ROUND_PAIRS / 4; i++) {
		a = _mm_sha256rnds2_epu32(a, k, k);
		b = _mm_sha256rnds2_epu32(b, k, k);
		c = _mm_sha256rnds2_epu32(c, k, k);
		d = _mm_sha256rnds2_epu32(d, k, k);
		__asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d));
	}
}

int main(void)
{
	uint8_t *data = measure_data();

	if (!data)
		return 1;
	measure("portable", data, portable);
	if (digest_best_impl() == DIGEST_CPU_SHA) {
		measure("SHA-NI", data, sha_ni);
		measure("SHA-NI ceiling", data, ceiling);
	}
	free(data);
	return 0;
}
