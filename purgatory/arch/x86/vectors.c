// SPDX-License-Identifier: GPL-2.0-only
/*
 * SSE on and off, with the bits of the Intel SDM, volume 3, "Control Registers". A
 * register that already has the right value is not written: in a guest a write can cost
 * an exit to the hypervisor.
 */
#include "x86.h"

#define CR0_MP (1ULL << 1)
#define CR0_EM (1ULL << 2)
#define CR0_TS (1ULL << 3)

#define CR4_OSFXSR     (1ULL << 9)
#define CR4_OSXMMEXCPT (1ULL << 10)

static struct arch_vectors read_control(void)
{
	struct arch_vectors control;

	__asm__ volatile("movq %%cr0, %0" : "=r"(control.cr0));
	__asm__ volatile("movq %%cr4, %0" : "=r"(control.cr4));
	return control;
}

static void write_control(struct arch_vectors from, struct arch_vectors to)
{
	if (to.cr0 != from.cr0)
		__asm__ volatile("movq %0, %%cr0" : : "r"(to.cr0) : "memory");
	if (to.cr4 != from.cr4)
		__asm__ volatile("movq %0, %%cr4" : : "r"(to.cr4) : "memory");
}

struct arch_vectors arch_vectors_on(void)
{
	struct arch_vectors before = read_control(), wanted = before;

	wanted.cr0 = (before.cr0 & ~(CR0_EM | CR0_TS)) | CR0_MP;
	wanted.cr4 = before.cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT;
	write_control(before, wanted);
	return before;
}

void arch_vectors_off(struct arch_vectors before)
{
	write_control(read_control(), before);
}
