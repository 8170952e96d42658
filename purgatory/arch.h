/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch.h - what an architecture provides to the purgatory.
 *
 * Each arch/NAME/ implements these functions and has an arch_defs.h with the types and
 * inline functions that depend on it. Nothing outside arch/ knows registers, page tables
 * or the format of the next kernel's boot data.
 */
#ifndef KS_PURGATORY_ARCH_H
#define KS_PURGATORY_ARCH_H

#pragma GCC visibility push(hidden)

#include "arch_defs.h"
#include "purgatory_params.h"
#include "seed_mix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The entry code and the linker script: the parameters and the end of the blob's memory. */
extern const struct purgatory_params purgatory_params;
extern const uint8_t purgatory_end[];

/* Where the entry code goes when purgatory_main() returns, and what it hands over there. */
struct purgatory_jump {
	uint64_t entry;
	uint64_t boot_data;
};

/* Called by the entry code on the purgatory's own stack; nothing else is set up. */
struct purgatory_jump purgatory_main(const struct purgatory_params *params);

/* Reports exceptions from here on, then does what @params say about corruption. */
void exceptions_init(void);

/* Where say() writes. Silent before this call. */
void console_init(const struct purgatory_params *params);
bool console_is_verbose(void);

/* Prints one line prefixed with the purgatory's name. Knows %s, %lu, %lx and %%. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Switches to the purgatory's own map of memory, which covers what @params list and lies
 * where the next kernel expects it. False, after a message: the old kernel's map stays.
 */
bool arch_map_memory(const struct purgatory_params *params);

/*
 * Enables the vector registers that DIGEST_CPU_SHA uses, whatever state the old kernel
 * left; returns the state for arch_vectors_off(). Users zero the registers.
 */
struct arch_vectors arch_vectors_on(void);
void arch_vectors_off(struct arch_vectors before);

/*
 * Adds what the CPU offers now to @in: hardware words and a counter, as far as
 * params->mix_inputs allow, and sets their SEED_INPUT_ flags.
 */
void arch_take_entropy(const struct purgatory_params *params, struct seed_inputs *in);

void machine_reset(void) __attribute__((noreturn));
void machine_halt(void) __attribute__((noreturn));

#pragma GCC visibility pop

#endif
