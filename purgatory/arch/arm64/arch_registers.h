/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_registers.h - arm64: copies without a trace, wiping vector registers, waiting.
 * The loader uses it too, because it compiles the digest code.
 */
#ifndef KS_ARCH_REGISTERS_H
#define KS_ARCH_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

/* Waits between two attempts at a busy resource. */
static inline void arch_pause(void)
{
	__asm__ volatile("yield" : : : "memory");
}

/* Replaces memcpy(): the C library's leaves its data in vector registers. */
static inline void copy_bytes(void *to, const void *from, size_t size)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	for (; size; size--) {
		*d++ = *s++;
		__asm__ volatile("" : : : "memory"); /* stays a loop of bytes */
	}
}

/*
 * Zeroes the vector registers, those of SVE too: they end in these. Most of the purgatory
 * is compiled without vector registers.
 */
static inline void wipe_vectors(void)
{
#ifdef __ARM_NEON
	__asm__ volatile(
		".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
		"18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n\t"
		"movi v\\n\\().2d, #0\n\t"
		".endr"
		:
		:
		: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
		  "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
		  "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
		  "v31", "memory");
#endif
}

#endif
