/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traceless.h - for code that must not leave its data behind. Private to the purgatory.
 */
#ifndef KS_TRACELESS_H
#define KS_TRACELESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of stack that are wiped: more than any of the functions here takes whose dead
 * frame matters. gcc and clang make those 100 to 700 bytes, ...
 */
#ifdef __OPTIMIZE__
#define DEAD_STACK 2048
#else
#define DEAD_STACK 65536 /* ... but far more with -O0, and with ASan on top of that */
#endif

/* The compiler must not find out that nobody reads the zeroes. */
static inline void wipe(void *data, size_t size)
{
	__builtin_memset(data, 0, size);
	__asm__ volatile("" : : "r"(data) : "memory");
}

/*
 * Compilers keep second copies of variables on the stack, out of reach by name. So this
 * lies down where the function has been that its caller called before, and wipes more
 * than that took.
 */
static __attribute__((noinline, unused, no_sanitize("address"))) void
wipe_dead_stack(void)
{
	uint8_t dead[DEAD_STACK];

	wipe(dead, sizeof(dead));
}

#endif
