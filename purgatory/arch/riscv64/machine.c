// SPDX-License-Identifier: GPL-2.0-only
/*
 * What other architectures do more about: there is no map to change and there are no
 * vector registers to turn on. And ends without a next kernel: reset and halt.
 */
#include "riscv64.h"

/* SBI 2.0, "System Reset Extension" */
#define SBI_SRST	     0x53525354
#define SBI_SRST_RESET	     0
#define SBI_SRST_COLD_REBOOT 1

/* Compilers call it to reverse the bytes of a word. */
uint32_t __bswapsi2(uint32_t x);

uint32_t __bswapsi2(uint32_t x)
{
	return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}

bool arch_map_memory(const struct purgatory_params *params)
{
	(void)params;
	return true;
}

struct arch_vectors arch_vectors_on(void)
{
	return (struct arch_vectors){ 0 };
}

void arch_vectors_off(struct arch_vectors before)
{
	(void)before;
}

void machine_reset(void)
{
	sbi_call(SBI_SRST, SBI_SRST_RESET, SBI_SRST_COLD_REBOOT, 0);
	machine_halt(); /* there is no other way that all machines have */
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("csrci sstatus, 2; wfi");
}
