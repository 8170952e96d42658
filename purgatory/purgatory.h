/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * purgatory.h - functions shared by the freestanding code's own files.
 *
 * Nothing is exported. Hidden symbols are reached relative to the instruction pointer, so
 * the blob needs no relocation.
 */
#ifndef KS_PURGATORY_H
#define KS_PURGATORY_H

#include "arch.h"

#pragma GCC visibility push(hidden)

/* True when every listed range has its digest; reports each range that does not. */
bool verify_ranges(const struct purgatory_params *params, const char *consequence);

/* The same for the parameter block itself. */
bool verify_params(const struct purgatory_params *params, const char *consequence);

/*
 * Replaces the base seed at params->mix_target, if set, by the mixed seed (seed_mix.h).
 * The VM generation ID is read only when @own_map tells that arch_map_memory() has
 * succeeded: what the old kernel's map covers is unknown.
 */
void mix_seed(const struct purgatory_params *params, bool own_map);

/*
 * Draws the words that @in still lacks, with @tries attempts each. At the first failure the
 * rest is left to the next source. Sets the flag @source (SEED_INPUT_) if any came. A source
 * that repeats a word is stuck: none of its words count.
 */
void mix_take_words(bool (*draw)(uint64_t *word), unsigned int tries, uint8_t source,
		    struct seed_inputs *in);

#pragma GCC visibility pop

#endif
