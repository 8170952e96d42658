/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_registers.h - x86_64: copies without a trace, wiping vector registers, waiting.
 * The loader uses it too, because it compiles the digest code.
 */
#ifndef KS_ARCH_REGISTERS_H
#define KS_ARCH_REGISTERS_H

#include <stddef.h>

/* Waits between two attempts at a busy resource. */
static inline void arch_pause(void)
{
	__builtin_ia32_pause();
}

/* Replaces memcpy(): the C library's leaves its data in vector registers. */
static inline void copy_bytes(void *to, const void *from, size_t size)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

/*
 * Zeroes the vector registers: a compiler for a CPU with wide ones puts words there by
 * itself. Most of the purgatory is compiled without vector registers.
 */
static inline void wipe_vectors(void)
{
#ifdef __SSE2__
	__asm__ volatile(
#ifdef __AVX__
		"vzeroall"
#else
		".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
		"pxor %%xmm\\n, %%xmm\\n\n\t"
		".endr"
#endif
		:
		:
		: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
		  "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
#ifdef __AVX512VL__ /* a compiler for such a CPU uses these as well */
	__asm__ volatile(
		".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, "
		"30, 31\n\t"
		"vpxord %%xmm\\n, %%xmm\\n, %%xmm\\n\n\t"
		".endr"
		:
		:
		: "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
		  "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31",
		  "memory");
#endif
#endif
}

#endif
