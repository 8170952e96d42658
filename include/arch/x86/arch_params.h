/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_params.h - x86_64's part of purgatory_params.h and seed_mix.h.
 */
#ifndef KS_ARCH_PARAMS_H
#define KS_ARCH_PARAMS_H

#define PURGATORY_ARCH_PARAMS_SIZE 0

/* Names of the first inputs of seed_mix.h. */
#define SEED_INPUT_RDSEED     0x01
#define SEED_INPUT_RDRAND     0x02 /* for the words that RDSEED did not give */
#define SEED_INPUT_TSC	      0x04
#define SEED_INPUT_ARCH_NAMES "RDSEED", "RDRAND", "TSC"

#ifndef __ASSEMBLER__
struct purgatory_arch_params {
	/* none: a structure without members takes no space */
};
#endif

#endif
