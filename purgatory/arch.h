/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch.h - the interface between the purgatory and its architecture.
 *
 * Each arch/NAME/ implements these functions and has an arch_defs.h with the types and
 * inline functions that depend on it. Nothing outside arch/ knows registers, page tables
 * or the format of the next kernel's boot data. In addition to the functions here,
 * arch_defs.h has, inline or not:
 *
 *     arch_digest_impl()   implementation of the digests, enum digest_impl
 *     arch_vectors_wipe()  zeroes the vector registers after an exception
 *     arch_seed_bytes()    the base seed at params->mix_target
 *     arch_is_mapped()     true if arch_map_memory() maps a range
 *     arch_pass_seed()     leaves the seed where the next kernel looks for it
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

/* From entry code and linker script: the parameters, the end of the blob's memory. */
extern const struct purgatory_params purgatory_params;
extern const uint8_t purgatory_end[];

/* The next kernel's entry and boot data, for the entry code after purgatory_main(). */
struct purgatory_jump {
	uint64_t entry;
	uint64_t boot_data;
};

/* Called by the entry code on the purgatory's own stack; nothing else is set up. */
struct purgatory_jump purgatory_main(const struct purgatory_params *params);

/* Reports exceptions from now on, then halts or resets as on_corruption says. */
void exceptions_init(void);

/*
 * Runs @run(@context). Returns -1, or the number of the exception that ended it: the CPU
 * may lack an instruction that it had when the image was loaded, and memory may be bad.
 * What @run has changed by then stays changed. A try may contain others.
 */
int arch_try(void (*run)(void *context), void *context);

/* Sets up the console for say(), which is silent before. */
void console_init(const struct purgatory_params *params);
bool console_is_verbose(void);

/* Prints one line, prefixed with the purgatory's name. Knows %s, %lu, %lx and %%. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Switches to the purgatory's own page tables, which cover the maps and the kernel memory
 * of @params and lie where the next kernel expects them. On failure reports it, keeps the
 * old kernel's tables and returns false.
 */
bool arch_map_memory(const struct purgatory_params *params);

/*
 * Enables the vector registers that DIGEST_CPU_SHA uses, in any state that the old kernel
 * left. Returns that state for arch_vectors_off(). Users zero the registers.
 */
struct arch_vectors arch_vectors_on(void);
void arch_vectors_off(struct arch_vectors before);

/*
 * Draws hardware words and a counter from the CPU into @in, if params->mix_inputs allows,
 * and sets their SEED_INPUT_ flags.
 */
void arch_take_entropy(const struct purgatory_params *params, struct seed_inputs *in);

void machine_reset(void) __attribute__((noreturn));
void machine_halt(void) __attribute__((noreturn));

#pragma GCC visibility pop

#endif
