// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 with the SHA extensions, as the Intel SDM, volume 2, describes SHA256RNDS2,
 * SHA256MSG1 and SHA256MSG2. The only file of the purgatory that uses vector registers.
 *
 * A processor can begin a pair of rounds long before it has the result of the last one,
 * so messages that do not depend on each other take turns: the lanes.
 */
#include "sha256_parts.h"
#include "traceless.h"

#include <immintrin.h>

/* In the purgatory no more than this: SSE is what is switched on there. */
#define USES_SHA    __attribute__((target("sha,ssse3,sse4.1")))
#define INLINE_SHA  static inline USES_SHA __attribute__((always_inline))
#define ROUNDS	    4 /* in one step: as many words as a register holds */
#define WORD_GROUPS 4 /* 16 words of the schedule are in use at a time */

struct lane {
	__m128i abef, cdgh; /* the eight variables as SHA256RNDS2 wants them, a highest */
	__m128i w[WORD_GROUPS];
};

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
INLINE_SHA void message_words(struct lane *lane, unsigned int step, const uint8_t *block)
{
	const __m128i swap =
		_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
	__m128i words = _mm_loadu_si128((const __m128i *)(block + 16 * step));

	lane->w[step] = _mm_shuffle_epi8(words, swap);
}

/* ... or the next four of the schedule, in place of those of 16 rounds ago. */
INLINE_SHA void next_words(struct lane *lane, unsigned int step)
{
	__m128i *w0 = &lane->w[step % WORD_GROUPS];
	__m128i w1 = lane->w[(step + 1) % WORD_GROUPS];
	__m128i w2 = lane->w[(step + 2) % WORD_GROUPS];
	__m128i w3 = lane->w[(step + 3) % WORD_GROUPS];
	__m128i sum = _mm_sha256msg1_epu32(*w0, w1);

	sum = _mm_add_epi32(sum, _mm_alignr_epi8(w3, w2, 4));
	*w0 = _mm_sha256msg2_epu32(sum, w3);
}

/* Step 3. After each two rounds what was a, b, e, f is c, d, g, h. */
INLINE_SHA void rounds(struct lane *lane, unsigned int step)
{
	__m128i wk =
		_mm_add_epi32(lane->w[step % WORD_GROUPS],
			      _mm_load_si128((const __m128i *)(sha256_round_constants +
							       ROUNDS * step)));

	lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, wk);
	wk = _mm_unpackhi_epi64(wk, wk);
	lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, wk);
}

/* Step 4. */
INLINE_SHA void add_state(struct lane *lane, const struct lane *old)
{
	lane->abef = _mm_add_epi32(lane->abef, old->abef);
	lane->cdgh = _mm_add_epi32(lane->cdgh, old->cdgh);
}

INLINE_SHA void one_step(struct lane *lane, unsigned int step, const uint8_t *block)
{
	if (step < WORD_GROUPS)
		message_words(lane, step, block);
	else
		next_words(lane, step);
	rounds(lane, step);
}

/* While the one lane waits for its result, the other begins. */
#define STEP(i)                                                                          \
	do {                                                                             \
		one_step(a, i, block_a);                                                 \
		one_step(b, i, block_b);                                                 \
	} while (0)

/* With numbers that the compiler knows each group of words has a register of its own. */
INLINE_SHA void absorb_block(struct lane *a, const uint8_t *block_a, struct lane *b,
			     const uint8_t *block_b)
{
	struct lane old_a = *a, old_b = *b;

	STEP(0);
	STEP(1);
	STEP(2);
	STEP(3);
	STEP(4);
	STEP(5);
	STEP(6);
	STEP(7);
	STEP(8);
	STEP(9);
	STEP(10);
	STEP(11);
	STEP(12);
	STEP(13);
	STEP(14);
	STEP(15);
	add_state(a, &old_a);
	add_state(b, &old_b);
}

USES_SHA void sha256_ni_absorb(uint32_t state[DIGEST_LANES][SHA256_WORDS],
			       const uint8_t *a, const uint8_t *b, size_t blocks)
{
	struct lane lane_a, lane_b;

	load_state(&lane_a, state[0]);
	load_state(&lane_b, state[1]);
	for (; blocks; blocks--, a += SHA256_BLOCK, b += SHA256_BLOCK)
		absorb_block(&lane_a, a, &lane_b, b);
	store_state(&lane_a, state[0]);
	store_state(&lane_b, state[1]);
	wipe_vectors();
}
