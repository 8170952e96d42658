/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seed_mix.h - makes the next kernel's seed unique at the jump.
 *
 *     seed = SHA-256(label || inputs || base seed || hardware words || counter ||
 *                    VM generation ID || digest of kernel memory)
 *
 * "label" is SEED_LABEL, padded with zeroes to SEED_LABEL_SIZE. "inputs" is one byte of
 * SEED_INPUT_ flags. An input that the machine lacks is left out, not replaced: flags and
 * length together identify each byte, so no two sets of inputs hash the same bytes.
 * Numbers are little endian. Tests use the same function with known inputs.
 */
#ifndef KS_SEED_MIX_H
#define KS_SEED_MIX_H

#include "arch_params.h"
#include "sha256.h"

#include <stdint.h>

#define SEED_SIZE	32 /* bytes, before and after mixing */
#define SEED_LABEL	"kexec-seed 1"
#define SEED_LABEL_SIZE 16
#define SEED_HW_WORDS	8 /* 64-bit words of the CPU or firmware */
#define VMGENID_SIZE	16

/* The first three have names of their own on each architecture: arch_params.h. */
#define SEED_INPUT_WORDS	 0x03 /* two sources of hardware words */
#define SEED_INPUT_COUNTER	 0x04
#define SEED_INPUT_GENERATION_ID 0x08
#define SEED_INPUT_KERNEL_MEMORY 0x10
#define SEED_INPUT_ALL		 0x1f
#define SEED_INPUTS		 5

/* The flags' names, by bit. Arrays, because a pointer would need a relocation. */
static const char seed_input_names[SEED_INPUTS][16]
	__attribute__((unused)) = { SEED_INPUT_ARCH_NAMES, "generation ID",
				    "kernel memory" };

struct seed_inputs {
	uint8_t base[SEED_SIZE];
	uint8_t present;   /* SEED_INPUT_ flags */
	uint32_t nr_words; /* valid below; 0 unless a source of words is present */
	uint64_t words[SEED_HW_WORDS];
	uint64_t counter; /* of the CPU's time */
	uint8_t generation_id[VMGENID_SIZE];
	/* SHA-256 over the digests (digest.h) of purgatory_params.kernel_memory */
	uint8_t kernel_memory[SHA256_SIZE];
};

/* Writes the seed to @out. Keeps nothing; the caller wipes @in. */
void seed_mix(const struct seed_inputs *in, uint8_t out[SEED_SIZE]);

#endif
