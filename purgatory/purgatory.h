/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * purgatory.h - functions shared within the freestanding code.
 *
 * Nothing is exported. Hidden symbols are addressed relative to the instruction pointer,
 * so the blob needs no relocation.
 */
#ifndef KS_PURGATORY_H
#define KS_PURGATORY_H

#include "arch.h"
#include "digest.h"

#pragma GCC visibility push(hidden)

/*
 * As arch_try(), for a @run that uses DIGEST_CPU_SHA: with vector registers enabled, and
 * zeroed afterwards. main.c
 */
int try_cpu_sha(void (*run)(void *context), void *context);

/*
 * True if every listed range has its digest, made with @impl. Reports each that does not.
 */
bool verify_ranges(const struct purgatory_params *params, enum digest_impl impl,
		   const char *consequence);

/* As verify_ranges(), for the parameter block itself. */
bool verify_params(const struct purgatory_params *params, const char *consequence);

/*
 * Replaces the base seed at params->mix_target, if set, with the mixed seed (seed_mix.h).
 * Reads the VM generation ID and kernel memory only if @own_map says that
 * arch_map_memory() succeeded: the coverage of the old kernel's map is unknown.
 */
void mix_seed(const struct purgatory_params *params, bool own_map);

/*
 * Draws the words that @in still lacks, with @tries attempts each. The first failure
 * leaves the rest to the next source. Sets the flag @source (SEED_INPUT_) if any word was
 * drawn. A source that repeats a word is stuck: none of its words count.
 */
void mix_take_words(bool (*draw)(uint64_t *word), unsigned int tries, uint8_t source,
		    struct seed_inputs *in);

#pragma GCC visibility pop

#endif
