/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traceless.h - for code that must leave no data in memory. Private to the purgatory.
 */
#ifndef KS_TRACELESS_H
#define KS_TRACELESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of stack to wipe: more than any function here takes whose dead frame matters. gcc
 * and clang make those frames 100 to 700 bytes, ...
 */
#ifdef __OPTIMIZE__
#define DEAD_STACK 2048
#else
#define DEAD_STACK 65536 /* ... but far larger with -O0, and larger still with ASan */
#endif

/* The asm keeps the compiler from dropping stores that nothing reads. */
static inline void wipe(void *data, size_t size)
{
	__builtin_memset(data, 0, size);
	__asm__ volatile("" : : "r"(data) : "memory");
}

/*
 * Compilers spill copies of variables to the stack, where no name reaches them. Call this
 * right after the function to clean up after: the frame here covers the dead one and is
 * larger.
 */
static __attribute__((noinline, unused, no_sanitize("address"))) void
wipe_dead_stack(void)
{
	uint8_t dead[DEAD_STACK];

	wipe(dead, sizeof(dead));
}

#endif
