// SPDX-License-Identifier: GPL-2.0-only
#include "riscv64.h"

#include "traceless.h"

/*
 * The CSR seed (RISC-V Cryptography Extensions, "Entropy Source"): its state, and 16 bits.
 * A source that waits for physical noise may say so often.
 */
#define SEED_STATE_SHIFT 30
#define SEED_STATE_ES16	 2
#define SEED_STATE_DEAD	 3
#define SEED_POLLS	 1000
#define WORD_TRIES	 10

static bool draw_16_bits(uint64_t *word)
{
	for (unsigned int i = 0; i < SEED_POLLS; i++) {
		uint64_t seed;
		unsigned int state;

		__asm__ volatile("csrrw %0, 0x015, x0" : "=r"(seed) : : "memory");
		state = seed >> SEED_STATE_SHIFT & 3;
		if (state == SEED_STATE_DEAD)
			return false;
		if (state == SEED_STATE_ES16) {
			*word = *word << 16 | (seed & 0xffff);
			return true;
		}
	}
	return false;
}

static bool draw_word(uint64_t *word)
{
	*word = 0;
	return draw_16_bits(word) && draw_16_bits(word) && draw_16_bits(word) &&
	       draw_16_bits(word);
}

static void take_zkr(void *in)
{
	mix_take_words(draw_word, WORD_TRIES, SEED_INPUT_ZKR, in);
}

static void take_time(void *in)
{
	struct seed_inputs *i = in;

	i->counter = READ_CSR(time);
	i->present |= SEED_INPUT_TIME;
}

/* Whether the CPU has the CSR, and firmware lets us read it, only a try tells. */
void arch_take_entropy(const struct purgatory_params *params, struct seed_inputs *in)
{
	(void)params;
	arch_try(take_zkr, in);
	arch_try(take_time, in);
}
