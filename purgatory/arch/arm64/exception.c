// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults in the purgatory end an arch_try(), or are reported instead of hanging the
 * machine silently. The vectors stay in place when the next kernel starts and report its
 * faults until it sets its own.
 */
#include "arm64.h"

#define ESR_EC_SHIFT 26
#define ESR_EC_MASK  0x3f

/* Vectors 0, 4, 8 and 12 are synchronous, 3, 7, 11 and 15 SErrors; the rest is masked. */
#define VECTOR_KINDS 4
#define VECTOR_IRQ   1
#define VECTOR_FIQ   2
#define INTERRUPT    64 /* reported like a class, above all of them */

static unsigned int faults; /* outside of arch_try() */

void exceptions_init(void)
{
	/* what lies here is not verified */
	faults = 0;
	purgatory_try_stack = 0;
	WRITE_OWN_SYSREG(vbar, (uintptr_t)purgatory_vectors);
	isb();
}

int purgatory_exception(uint64_t vector)
{
	bool halt = purgatory_params.on_corruption == PURGATORY_HALT;
	uint64_t kind = vector % VECTOR_KINDS, esr = READ_OWN_SYSREG(esr);
	uint64_t class = esr >> ESR_EC_SHIFT & ESR_EC_MASK;

	if (kind == VECTOR_IRQ || kind == VECTOR_FIQ)
		class = INTERRUPT + kind;
	if (purgatory_try_stack)
		return (int)class;
	/* The report may fault, and the reset: one report, then one more attempt to reset. */
	faults++;
	if (faults == 1)
		say("exception %lu at 0x%lx, address 0x%lx, syndrome 0x%lx, %s", class,
		    READ_OWN_SYSREG(elr), READ_OWN_SYSREG(far), esr,
		    halt ? "stopping the processor" : "resetting the machine");
	if (!halt && faults < 3)
		machine_reset();
	machine_halt();
}
