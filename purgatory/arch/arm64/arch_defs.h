/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_defs.h - arm64's types and inline functions for the purgatory: see arch.h.
 */
#ifndef KS_PURGATORY_ARCH_DEFS_H
#define KS_PURGATORY_ARCH_DEFS_H

#include "digest.h"
#include "purgatory_params.h"
#include "seed_mix.h"

#include <stdbool.h>
#include <stdint.h>

/* Names of the boot data and the SHA instructions in the messages of verify.c. */
#define ARCH_BOOT_DATA_NAME "device tree"
#define ARCH_CPU_SHA_NAME   "SHA2"

struct arch_vectors {
	uint64_t control; /* CPACR_EL1 or CPTR_EL2 */
};

/* Decided on the CPU that runs: a VM may resume on another one. */
uint32_t arch_digest_impl(const struct purgatory_params *params);

/* Returns the base seed, with which the page at @target (mix_target) begins. */
static inline uint8_t *arch_seed_bytes(uint64_t target)
{
	return (uint8_t *)(uintptr_t)target;
}

/* The tables map all that the parameters name; without tables all is reachable. */
static inline bool arch_is_mapped(const struct purgatory_params *params, uint64_t addr,
				  uint64_t size)
{
	(void)params;
	return addr + size > addr;
}

/* vectors.c */
void arch_vectors_wipe(void);

/*
 * Writes @size bytes at @addr back to memory and removes them from all caches ("point of
 * coherency").
 */
void clean_range(uint64_t addr, uint64_t size);

/* arch/dt/seed_slots.c */
void arch_pass_seed(const struct purgatory_params *params);

#endif
