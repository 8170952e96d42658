// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 with the SHA2 instructions: SHA256H, SHA256H2, SHA256SU0 and SHA256SU1 in the
 * Arm Architecture Reference Manual. The only file of the purgatory that uses vector
 * registers.
 *
 * A CPU can start four rounds long before it has the result of the previous four, so
 * independent messages take turns: the lanes. Their variables and words take 24 of the 32
 * registers; the state at the start of a block stays in memory.
 */
#include "arch_registers.h"
#include "sha256_parts.h"

#include <arm_neon.h>

/* gcc 12 has the intrinsics only where AES is allowed, too. */
#ifdef __clang__
#define USES_SHA __attribute__((target("sha2")))
#else
#define USES_SHA __attribute__((target("+crypto")))
#endif
#define INLINE_SHA  static inline USES_SHA __attribute__((always_inline))
#define ROUNDS	    4 /* per step: as many words as a register holds */
#define STEPS	    16
#define WORD_GROUPS 4 /* 16 words of the schedule are in use at a time */

struct lane {
	uint32x4_t abcd, efgh;
	uint32x4_t w[WORD_GROUPS];
};

/*
 * Loads and stores of whole registers that need the alignment of an element only. With
 * -mstrict-align gcc's intrinsics take a register together byte by byte.
 */
INLINE_SHA uint8x16_t load_bytes(const uint8_t *p)
{
	uint8x16_t v;

	__asm__("ld1 {%0.16b}, %1" : "=w"(v) : "Q"(*(const uint8_t(*)[16])p));
	return v;
}

INLINE_SHA uint32x4_t load_words(const uint32_t *p)
{
	uint32x4_t v;

	__asm__("ld1 {%0.4s}, %1" : "=w"(v) : "Q"(*(const uint32_t(*)[4])p));
	return v;
}

INLINE_SHA void store_words(uint32_t *p, uint32x4_t v)
{
	__asm__("st1 {%1.4s}, %0" : "=Q"(*(uint32_t(*)[4])p) : "w"(v));
}

/* FIPS 180-4, 6.2.2, step 1: four words of the message, which are big endian ... */
INLINE_SHA uint32x4_t message_words(const uint8_t *words)
{
	return vreinterpretq_u32_u8(vrev32q_u8(load_bytes(words)));
}

/* ... or the next four of the schedule, which replace those of 16 rounds ago. */
INLINE_SHA uint32x4_t next_words(const uint32x4_t w[WORD_GROUPS], unsigned int step)
{
	uint32x4_t sum =
		vsha256su0q_u32(w[step % WORD_GROUPS], w[(step + 1) % WORD_GROUPS]);

	return vsha256su1q_u32(sum, w[(step + 2) % WORD_GROUPS],
			       w[(step + 3) % WORD_GROUPS]);
}

/* Step 3: four rounds. */
INLINE_SHA void rounds(struct lane *lane, uint32x4_t wk)
{
	uint32x4_t abcd = lane->abcd;

	lane->abcd = vsha256hq_u32(abcd, lane->efgh, wk);
	lane->efgh = vsha256h2q_u32(lane->efgh, abcd, wk);
}

INLINE_SHA void one_step(struct lane *lane, unsigned int step, const uint8_t *block,
			 uint32x4_t k)
{
	if (step < WORD_GROUPS)
		lane->w[step] = message_words(block + 16 * step);
	else
		lane->w[step % WORD_GROUPS] = next_words(lane->w, step);
	rounds(lane, vaddq_u32(lane->w[step % WORD_GROUPS], k));
}

/*
 * While one lane waits for its result, the others start. All is unrolled, so the compiler
 * resolves conditions on lane and step.
 */
INLINE_SHA void absorb_block(uint32_t state[DIGEST_LANES][SHA256_WORDS],
			     const uint8_t *data, size_t stride)
{
	struct lane lanes[DIGEST_LANES];
	const uint32_t *k = sha256_round_constants;

	__asm__("" : "+r"(k)); /* or compilers load all constants first */
#pragma GCC unroll 4
	for (size_t i = 0; i < DIGEST_LANES; i++) {
		lanes[i].abcd = load_words(state[i]);
		lanes[i].efgh = load_words(state[i] + 4);
	}
#pragma GCC unroll 64
	for (unsigned int n = 0; n < STEPS * DIGEST_LANES; n++) {
		size_t i = n % DIGEST_LANES;
		unsigned int step = n / DIGEST_LANES;

		one_step(&lanes[i], step, data + i * stride,
			 load_words(k + ROUNDS * step));
	}
	/* Step 4. */
#pragma GCC unroll 4
	for (size_t i = 0; i < DIGEST_LANES; i++) {
		store_words(state[i], vaddq_u32(lanes[i].abcd, load_words(state[i])));
		store_words(state[i] + 4,
			    vaddq_u32(lanes[i].efgh, load_words(state[i] + 4)));
	}
}

USES_SHA void sha256_cpu_absorb(uint32_t state[DIGEST_LANES][SHA256_WORDS],
				const uint8_t *data, size_t stride, size_t blocks)
{
	for (; blocks; blocks--, data += SHA256_BLOCK)
		absorb_block(state, data, stride);
	wipe_vectors();
}

void sha256_cpu_wipe(void)
{
	wipe_vectors();
}
