// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends without a next kernel: reset and halt.
 */
#include "arm64.h"

#define PSCI_SYSTEM_RESET 0x84000009 /* Arm DEN 0022 */

void machine_reset(void)
{
	uint64_t regs[4] = { PSCI_SYSTEM_RESET, 0, 0, 0 };

	if (purgatory_params.arch.conduit)
		smccc_call(purgatory_params.arch.conduit, regs);
	machine_halt(); /* there is no other way that all machines have */
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #0xf; wfi");
}
