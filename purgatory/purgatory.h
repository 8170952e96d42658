/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * purgatory.h - what the parts of the freestanding code call of each other.
 *
 * Nothing is exported, and hidden names are reached relative to the instruction pointer,
 * so that no address has to be filled in at run time.
 */
#ifndef KS_PURGATORY_H
#define KS_PURGATORY_H

#pragma GCC visibility push(hidden)

#include "purgatory_params.h"
#include "seed_mix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* entry.S and the linker script */
extern const struct purgatory_params purgatory_params;
extern const uint8_t purgatory_end[];
extern const uint8_t purgatory_stubs[]; /* one for each exception, STUB_SIZE apart */

#define STUB_SIZE     16
#define NR_EXCEPTIONS 32
#define PURGATORY_CS  0x10 /* __BOOT_CS of the boot protocol */

/* Where entry.S goes when purgatory_main() has come back: in rax and rdx. */
struct purgatory_jump {
	uint64_t entry;
	uint64_t boot_params;
};

/* What a stub leaves on the stack: its own two words and those of the CPU. */
struct exception_frame {
	uint64_t vector;
	uint64_t error;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};

/* Called by entry.S, with the stack, the segments and nothing else set up. */
struct purgatory_jump purgatory_main(const struct purgatory_params *params);
void purgatory_exception(const struct exception_frame *frame) __attribute__((noreturn));

/* From here on an exception is reported, and does what @params say about damage. */
void exceptions_init(void);

/* Where say() writes; before this it writes nowhere. */
void console_init(const struct purgatory_params *params);
bool console_is_verbose(void);

/* One line with the purgatory's name in front. Knows %s, %lu, %lx and %%. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* True when everything that is listed has the digest it shall have; reports what has not. */
bool verify_ranges(const struct purgatory_params *params, const char *consequence);

/* The same for the block of parameters itself. */
bool verify_params(const struct purgatory_params *params, const char *consequence);

/*
 * Replaces the seed at params->mix_node, if there is one, by what it is mixed into
 * (seed_mix.h). The VM generation ID is read only when @own_tables, those of
 * use_own_tables(), are in use and map it: what the old ones map is not known.
 */
void mix_seed(const struct purgatory_params *params, bool own_tables);

/*
 * Draws what words of @in are still missing, each with so many @tries; when one does not
 * come, those after it are left to the next source. If any came, @source (SEED_INPUT_) is
 * present. A source that says the same twice in a row is stuck: no word of it counts.
 */
void mix_take_words(bool (*draw)(uint64_t *word), unsigned int tries, uint8_t source,
		    struct seed_inputs *in);

struct vector_control {
	uint64_t cr0, cr4;
};

/*
 * Makes SSE instructions work whatever the old kernel left; what was set before, for
 * vectors_off(). Whoever uses vector registers in between zeroes them.
 */
struct vector_control vectors_on(void);
void vectors_off(struct vector_control before);

void machine_reset(void) __attribute__((noreturn));
void machine_halt(void) __attribute__((noreturn));

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#pragma GCC visibility pop

#endif
