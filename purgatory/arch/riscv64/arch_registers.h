/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch_registers.h - riscv64: copies without a trace, wiping vector registers, waiting.
 * The loader uses it too, because it compiles the digest code.
 */
#ifndef KS_ARCH_REGISTERS_H
#define KS_ARCH_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

/* Waits between two attempts at a busy resource: PAUSE, a hint that all CPUs take. */
static inline void arch_pause(void)
{
	__asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010" : : : "memory");
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

/* Zeroes the vector registers. The purgatory is compiled without them. */
static inline void wipe_vectors(void)
{
#ifdef __riscv_vector
	__asm__ volatile("vsetvli t0, zero, e8, m8, ta, ma\n\t"
			 ".irp n, 0, 8, 16, 24\n\t"
			 "vmv.v.i v\\n, 0\n\t"
			 ".endr"
			 :
			 :
			 : "t0", "memory");
#endif
}

#endif
