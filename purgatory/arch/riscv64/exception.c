// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traps in the purgatory end an arch_try(), or are reported instead of hanging the
 * machine silently. The handler stays in place when the next kernel starts and reports its
 * traps until it sets its own.
 */
#include "riscv64.h"

static unsigned int faults; /* outside of arch_try() */

void exceptions_init(void)
{
	/* what lies here is not verified */
	faults = 0;
	purgatory_try_stack = 0;
	WRITE_CSR(stvec, (uintptr_t)purgatory_vector);
}

int purgatory_exception(void)
{
	bool halt = purgatory_params.on_corruption == PURGATORY_HALT;
	uint64_t cause = READ_CSR(scause);

	if (purgatory_try_stack)
		return (int)(cause & 0xff);
	/* The report may trap, and the reset: one report, then one more attempt to reset. */
	faults++;
	if (faults == 1)
		say("exception %lu at 0x%lx, address 0x%lx, %s", cause, READ_CSR(sepc),
		    READ_CSR(stval),
		    halt ? "stopping the processor" : "resetting the machine");
	if (!halt && faults < 3)
		machine_reset();
	machine_halt();
}
