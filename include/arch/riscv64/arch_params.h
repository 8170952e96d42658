/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_params.h - riscv64's part of purgatory_params.h and seed_mix.h.
 */
#ifndef KS_ARCH_PARAMS_H
#define KS_ARCH_PARAMS_H

#define PURGATORY_ARCH_PARAMS_SIZE 40

/* Names of the first inputs of seed_mix.h; SBI has no source for the second. */
#define SEED_INPUT_ZKR	      0x01 /* the CSR seed, where firmware lets S-mode read it */
#define SEED_INPUT_TIME	      0x04 /* the CSR time */
#define SEED_INPUT_ARCH_NAMES "ZKR", "", "COUNTER"

#define KASLR_SEED_SIZE 8 /* bytes */

/* uart_type: the UART at @uart, for PURGATORY_CONSOLE_SERIAL. Its settings are kept. */
#define PURGATORY_UART_PL011   1
#define PURGATORY_UART_8250    2 /* registers of one byte, one byte apart */
#define PURGATORY_UART_8250_32 3 /* registers of 32 bits, 4 bytes apart */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct purgatory_arch_params {
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
	/* Physical address; used if SBI has no console, or serial_port is set. */
	uint64_t uart;
	uint32_t uart_type;
	uint32_t reserved;
};
#endif

#endif
