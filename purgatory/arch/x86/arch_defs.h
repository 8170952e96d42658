/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_defs.h - x86_64's types and inline functions for the purgatory: see arch.h.
 */
#ifndef KS_PURGATORY_ARCH_DEFS_H
#define KS_PURGATORY_ARCH_DEFS_H

#include "pgtable.h"
#include "seed_mix.h"
#include "setup_data.h"

#include <stddef.h>
#include <stdint.h>

/* Names of the boot data and the SHA instructions in the messages of verify.c. */
#define ARCH_BOOT_DATA_NAME "boot_params"
#define ARCH_CPU_SHA_NAME   "SHA-NI"

struct arch_vectors {
	uint64_t cr0, cr4;
};

/*
 * Returns the seed's bytes in the setup_data node at @target
 * (purgatory_params.mix_target); NULL if that is no SETUP_RNG_SEED node of SEED_SIZE
 * bytes.
 */
static inline uint8_t *arch_seed_bytes(uint64_t target)
{
	struct setup_data *node = (struct setup_data *)(uintptr_t)target;

	if (node->type != SETUP_RNG_SEED || node->len != SEED_SIZE)
		return NULL;
	return node->data;
}

/* The loader's answer: asking the CPU may raise an exception (purgatory_params.h). */
static inline uint32_t arch_digest_impl(const struct purgatory_params *params)
{
	return params->digest_impl;
}

/* sha256_parts.h */
void sha256_cpu_wipe(void);

/* Zeroes the vector registers after an exception; they are enabled. */
static inline void arch_vectors_wipe(void)
{
	sha256_cpu_wipe();
}

/* The next kernel finds the seed where the base seed was. */
static inline void arch_pass_seed(const struct purgatory_params *params)
{
	(void)params;
}

/* True if the map that arch_map_memory() makes covers @size bytes from @addr. */
static inline bool arch_is_mapped(const struct purgatory_params *params, uint64_t addr,
				  uint64_t size)
{
	return pgt_covers(params->maps, params->nr_maps, addr, size);
}

#endif
