/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seed_mix.h - how the purgatory makes a seed its own at the moment of the jump.
 *
 *     seed = SHA-256(label || inputs || base || hardware words || TSC || generation ID)
 *
 * "label" is SEED_LABEL, filled up with zeroes to SEED_LABEL_SIZE. "inputs" is one byte of
 * SEED_INPUT_ flags: which of the following were there is part of what is hashed. What the
 * machine lacks is left out, not replaced. So flags and length together say what each byte
 * is: no two different sets of inputs are hashed as the same bytes. Numbers are little
 * endian. Test code uses the same function with known inputs.
 */
#ifndef KS_SEED_MIX_H
#define KS_SEED_MIX_H

#include <stdint.h>

#define SEED_LABEL	   "kexec-seed 1"
#define SEED_LABEL_SIZE	   16
#define SEED_BASE_SIZE	   32
#define SEED_HW_WORDS	   8 /* 64-bit words from RDSEED, what it lacks from RDRAND */
#define GENERATION_ID_SIZE 16

#define SEED_INPUT_RDSEED	 0x01
#define SEED_INPUT_RDRAND	 0x02
#define SEED_INPUT_TSC		 0x04
#define SEED_INPUT_GENERATION_ID 0x08
#define SEED_INPUT_ALL		 0x0f

struct seed_inputs {
	uint8_t base[SEED_BASE_SIZE];
	uint8_t present;   /* SEED_INPUT_ flags */
	uint32_t nr_words; /* valid below; 0 unless RDSEED or RDRAND is present */
	uint64_t words[SEED_HW_WORDS];
	uint64_t tsc;
	uint8_t generation_id[GENERATION_ID_SIZE];
};

/* The seed into @out. Keeps nothing; the caller wipes @in. */
void seed_mix(const struct seed_inputs *in, uint8_t out[SEED_BASE_SIZE]);

#endif
