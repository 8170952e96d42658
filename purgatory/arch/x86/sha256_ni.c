// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 with the SHA extensions: SHA256RNDS2, SHA256MSG1 and SHA256MSG2 in the Intel
 * SDM, volume 2. The only file of the purgatory that uses vector registers.
 *
 * A CPU can start a pair of rounds long before it has the result of the previous one, so
 * independent messages take turns: the lanes.
 */
#include "arch_registers.h"
#include "sha256_parts.h"

#include <immintrin.h>

/* Limited to these: the purgatory enables SSE only. */
#define USES_SHA    __attribute__((target("sha,ssse3,sse4.1")))
#define INLINE_SHA  static inline USES_SHA __attribute__((always_inline))
#define ROUNDS	    4 /* per step: as many words as a register holds */
#define STEPS	    16
#define WORD_GROUPS 4 /* 16 words of the schedule are in use at a time */

struct lane {
	__m128i abef, cdgh; /* the eight variables as SHA256RNDS2 wants them, a highest */
	__m128i last;	    /* the newest words of the schedule */
};

/*
 * Four lanes have more words than there are registers. The older ones stay in memory,
 * where instructions read them directly. Otherwise compilers spill the variables, and the
 * rounds wait for them.
 */
#define IN_MEMORY(x) __asm__("" : "+m"(x))

INLINE_SHA void load_state(struct lane *lane, const uint32_t s[SHA256_WORDS])
{
	lane->abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
	lane->cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]);
}

INLINE_SHA void store_state(const struct lane *lane, uint32_t s[SHA256_WORDS])
{
	s[0] = (uint32_t)_mm_extract_epi32(lane->abef, 3);
	s[1] = (uint32_t)_mm_extract_epi32(lane->abef, 2);
	s[2] = (uint32_t)_mm_extract_epi32(lane->cdgh, 3);
	s[3] = (uint32_t)_mm_extract_epi32(lane->cdgh, 2);
	s[4] = (uint32_t)_mm_extract_epi32(lane->abef, 1);
	s[5] = (uint32_t)_mm_extract_epi32(lane->abef, 0);
	s[6] = (uint32_t)_mm_extract_epi32(lane->cdgh, 1);
	s[7] = (uint32_t)_mm_extract_epi32(lane->cdgh, 0);
}

/* FIPS 180-4, 6.2.2, step 1: four words of the message, which are big endian ... */
INLINE_SHA __m128i message_words(const uint8_t *words)
{
	const __m128i swap =
		_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)words), swap);
}

/* ... or the next four of the schedule, which replace those of 16 rounds ago. */
INLINE_SHA __m128i next_words(__m128i last, const __m128i w[WORD_GROUPS],
			      unsigned int step)
{
	__m128i sum =
		_mm_sha256msg1_epu32(w[step % WORD_GROUPS], w[(step + 1) % WORD_GROUPS]);
	__m128i between = _mm_alignr_epi8(last, w[(step + 2) % WORD_GROUPS], 4);

	return _mm_sha256msg2_epu32(_mm_add_epi32(sum, between), last);
}

/* Step 3. Two rounds turn a, b, e, f into c, d, g, h. */
INLINE_SHA void rounds(struct lane *lane, const uint32_t k[ROUNDS])
{
	__m128i wk = _mm_add_epi32(lane->last, _mm_load_si128((const __m128i *)k));

	lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, wk);
	wk = _mm_unpackhi_epi64(wk, wk);
	lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, wk);
}

INLINE_SHA void one_step(struct lane *lane, __m128i w[WORD_GROUPS], unsigned int step,
			 const uint8_t *block, const uint32_t *k)
{
	if (step < WORD_GROUPS)
		lane->last = message_words(block + 16 * step);
	else
		lane->last = next_words(lane->last, w, step);
	w[step % WORD_GROUPS] = lane->last;
	IN_MEMORY(w[step % WORD_GROUPS]);
	rounds(lane, k + ROUNDS * step);
}

/*
 * While one lane waits for its result, the others start. All is unrolled, so the compiler
 * resolves conditions on lane and step.
 */
INLINE_SHA void absorb_block(struct lane lanes[DIGEST_LANES], const uint8_t *data,
			     size_t stride)
{
	__m128i abef[DIGEST_LANES], cdgh[DIGEST_LANES], w[DIGEST_LANES][WORD_GROUPS];
	const uint32_t *k = sha256_round_constants;

	__asm__("" : "+r"(k)); /* or compilers copy the constants to the stack first */
#pragma GCC unroll 4
	for (size_t i = 0; i < DIGEST_LANES; i++) {
		abef[i] = lanes[i].abef;
		cdgh[i] = lanes[i].cdgh;
		IN_MEMORY(abef[i]);
		IN_MEMORY(cdgh[i]);
	}
#pragma GCC unroll 64
	for (unsigned int n = 0; n < STEPS * DIGEST_LANES; n++) {
		size_t i = n % DIGEST_LANES;

		one_step(&lanes[i], w[i], n / DIGEST_LANES, data + i * stride, k);
	}
	/* Step 4. */
#pragma GCC unroll 4
	for (size_t i = 0; i < DIGEST_LANES; i++) {
		lanes[i].abef = _mm_add_epi32(lanes[i].abef, abef[i]);
		lanes[i].cdgh = _mm_add_epi32(lanes[i].cdgh, cdgh[i]);
	}
}

USES_SHA void sha256_cpu_absorb(uint32_t state[DIGEST_LANES][SHA256_WORDS],
				const uint8_t *data, size_t stride, size_t blocks)
{
	struct lane lanes[DIGEST_LANES];

#pragma GCC unroll 4
	for (size_t i = 0; i < DIGEST_LANES; i++)
		load_state(&lanes[i], state[i]);
	for (; blocks; blocks--, data += SHA256_BLOCK)
		absorb_block(lanes, data, stride);
#pragma GCC unroll 4
	for (size_t i = 0; i < DIGEST_LANES; i++)
		store_state(&lanes[i], state[i]);
	wipe_vectors();
}

void sha256_cpu_wipe(void)
{
	wipe_vectors();
}
