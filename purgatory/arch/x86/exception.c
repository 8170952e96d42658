// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults in the purgatory end an arch_try(), or are reported instead of hanging the
 * machine silently. The gates stay in place when the next kernel starts and report its
 * faults until it loads its own.
 */
#include "x86.h"

#define GATE_INTERRUPT 0x8e /* present, 64-bit interrupt gate: Intel SDM, volume 3 */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

#define MACHINE_CHECK 18
/* Intel SDM, volume 3, "IA32_MCG_STATUS MSR" */
#define MSR_MCG_STATUS 0x17a

static struct gate gates[NR_EXCEPTIONS];
static unsigned int faults; /* outside of arch_try() */

void exceptions_init(void)
{
	struct table_register idtr;

	for (unsigned int i = 0; i < NR_EXCEPTIONS; i++) {
		uint64_t stub = (uintptr_t)purgatory_stubs + i * STUB_SIZE;

		gates[i] = (struct gate){
			.offset_low = (uint16_t)stub,
			.offset_middle = (uint16_t)(stub >> 16),
			.offset_high = (uint32_t)(stub >> 32),
			.selector = PURGATORY_CS,
			.type = GATE_INTERRUPT,
		};
	}
	/* Not an initialiser: that would be copied from a constant with an address. */
	idtr.limit = sizeof(gates) - 1;
	idtr.base = (uintptr_t)gates;
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

/* Until MCIP is cleared, the next machine check shuts the machine down. */
static void end_machine_check(void)
{
	__asm__ volatile("wrmsr" : : "c"(MSR_MCG_STATUS), "a"(0), "d"(0) : "memory");
}

int purgatory_exception(const struct exception_frame *frame)
{
	bool halt = purgatory_params.on_corruption == PURGATORY_HALT;
	uint64_t cr2;

	if (purgatory_try_stack) {
		if (frame->vector == MACHINE_CHECK)
			end_machine_check();
		return (int)frame->vector;
	}
	/*
	 * In an encrypted guest each port access may fault, so the report may, and the reset,
	 * too: one report, one more attempt to reset, then the end that needs no port.
	 */
	faults++;
	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
	if (faults == 1)
		say("exception %lu at 0x%lx, address 0x%lx, error code 0x%lx, %s",
		    frame->vector, frame->rip, cr2, frame->error,
		    halt ? "stopping the processor" : "resetting the machine");
	if (halt)
		machine_halt();
	if (faults < 3)
		machine_reset();
	triple_fault();
	machine_halt(); /* not reached */
}
