/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_params.h - arm64's part of purgatory_params.h and seed_mix.h.
 */
#ifndef KS_ARCH_PARAMS_H
#define KS_ARCH_PARAMS_H

#define PURGATORY_ARCH_PARAMS_SIZE 72

/* Offsets in struct purgatory_arch_params, for assembler code. */
#define PURGATORY_ARCH_PAGE_TABLE 0
#define PURGATORY_ARCH_VA_BITS	  8

/* Names of the first inputs of seed_mix.h. */
#define SEED_INPUT_RNDR	      0x01 /* RNDRRS, and RNDR for the words that it did not give */
#define SEED_INPUT_TRNG	      0x02 /* of the firmware or hypervisor: Arm DEN 0098 */
#define SEED_INPUT_CNT	      0x04 /* CNTPCT_EL0, or CNTVCT_EL0 */
#define SEED_INPUT_ARCH_NAMES "RNDR", "TRNG", "COUNTER"

#define KASLR_SEED_SIZE 8 /* bytes */

/* conduit: how firmware is called (PSCI and SMCCC) */
#define PURGATORY_CONDUIT_NONE 0
#define PURGATORY_CONDUIT_HVC  1
#define PURGATORY_CONDUIT_SMC  2

/* uart_type: the UART at @uart, for PURGATORY_CONSOLE_SERIAL. Its settings are kept. */
#define PURGATORY_UART_PL011   1
#define PURGATORY_UART_8250    2 /* registers of one byte, one byte apart */
#define PURGATORY_UART_8250_32 3 /* registers of 32 bits, 4 bytes apart */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct purgatory_arch_params {
	/*
	 * Page tables built by the loader (arm64_pgt.h), within the map pool; the digests
	 * cover them. 0: MMU and caches stay off.
	 */
	uint64_t page_table;
	uint32_t va_bits; /* of @page_table: 39 or 48 */
	uint32_t conduit; /* PURGATORY_CONDUIT_ */
	/*
	 * The seed is copied from @base_seed (SEED_SIZE bytes; mixed there before, if
	 * mix_target is set to the same address) to @rng_seed (SEED_SIZE bytes), its
	 * derivation to @kaslr_seed (KASLR_SEED_SIZE bytes), and then @base_seed is wiped.
	 * No alignment. 0: no such place. If @rng_seed cannot be filled in, its property is
	 * removed: its head is in the 12 bytes before.
	 */
	uint64_t base_seed;
	uint64_t rng_seed;
	uint64_t kaslr_seed;
	uint64_t uart; /* physical address; serial_port is not used */
	uint32_t uart_type;
	uint32_t reserved;
	uint64_t reserved2[2];
};
#endif

#endif
