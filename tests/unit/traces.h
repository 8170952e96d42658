/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traces.h - what hashing a message may have left behind: words of the message schedule
 * of SHA-256, on the stack below the caller or in vector registers. 16 such words in a
 * row give the message away.
 */
#ifndef KS_TRACES_H
#define KS_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACES_WORDS 64

struct traces {
	uint32_t words[TRACES_WORDS];
	bool wanted[TRACES_WORDS]; /* not one that comes of the padding alone */
};

/* The schedule of a message that fits into one block (@size up to 55 bytes). */
void traces_of(const void *message, uint32_t size, struct traces *out);

/*
 * Takes down what the functions that have returned left behind: to be called right after
 * them, from the same function.
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

/* How many words of the schedule, in either byte order, were taken down last. */
size_t traces_on_stack(const struct traces *t);
size_t traces_in_registers(const struct traces *t, const struct vector_registers *regs);

#endif
