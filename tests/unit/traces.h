/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traces.h - finds what hashing a message has left behind: words of SHA-256's message
 * schedule, on the stack below the caller or in vector registers. 16 such words in a row
 * reveal the message.
 */
#ifndef KS_TRACES_H
#define KS_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACES_WORDS 64

struct traces {
	uint32_t words[TRACES_WORDS];
	bool wanted[TRACES_WORDS]; /* false for words that depend on the padding alone */
};

/* The schedule of a message that fits one block (@size up to 55 bytes). */
void traces_of(const void *message, uint32_t size, struct traces *out);

/*
 * Saves the stack that functions have used. Must be called right after they return, from
 * the same function.
 */
void traces_take_stack(void);

struct vector_registers {
	uint8_t xmm[16][16];
};

static inline __attribute__((always_inline)) void
traces_take_registers(struct vector_registers *out)
{
#define TAKE(n) __asm__ volatile("movdqu %%xmm" #n ", %0" : "=m"(out->xmm[n]))
	TAKE(0);
	TAKE(1);
	TAKE(2);
	TAKE(3);
	TAKE(4);
	TAKE(5);
	TAKE(6);
	TAKE(7);
	TAKE(8);
	TAKE(9);
	TAKE(10);
	TAKE(11);
	TAKE(12);
	TAKE(13);
	TAKE(14);
	TAKE(15);
#undef TAKE
}

/* How many words of the schedule, in either byte order, the last snapshot has. */
size_t traces_on_stack(const struct traces *t);
size_t traces_in_registers(const struct traces *t, const struct vector_registers *regs);

#endif
