/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_defs.h - riscv64's types and inline functions for the purgatory: see arch.h.
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
#define ARCH_CPU_SHA_NAME   "Zknh"

/* Zknh works on ordinary registers. */
struct arch_vectors {
	char unused;
};

static inline void arch_vectors_wipe(void)
{
}

/* S-mode has no ID registers: the loader says what the CPU had, and a try what it has. */
static inline uint32_t arch_digest_impl(const struct purgatory_params *params)
{
	return params->digest_impl;
}

/* Returns the base seed, with which the page at @target (mix_target) begins. */
static inline uint8_t *arch_seed_bytes(uint64_t target)
{
	return (uint8_t *)(uintptr_t)target;
}

/* There is no map: all is reachable. */
static inline bool arch_is_mapped(const struct purgatory_params *params, uint64_t addr,
				  uint64_t size)
{
	(void)params;
	return addr + size > addr;
}

/* Memory is coherent with every hart. */
static inline void clean_range(uint64_t addr, uint64_t size)
{
	(void)addr, (void)size;
}

/* arch/dt/seed_slots.c */
void arch_pass_seed(const struct purgatory_params *params);

#endif
