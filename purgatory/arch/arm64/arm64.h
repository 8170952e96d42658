/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64.h - declarations shared by the arm64 files of the purgatory.
 *
 * Register and field names are those of the Arm Architecture Reference Manual (DDI 0487).
 */
#ifndef KS_PURGATORY_ARM64_H
#define KS_PURGATORY_ARM64_H

#include "purgatory.h"

#pragma GCC visibility push(hidden)

/* entry.S: 16 vectors for VBAR */
extern const uint8_t purgatory_vectors[];

/* entry.S: the stack of the innermost arch_try(); 0: none is running. */
extern uint64_t purgatory_try_stack;

/*
 * Called by the vectors with the number of the vector. Returns the exception class (EC of
 * ESR) if arch_try() shall end with it.
 */
int purgatory_exception(uint64_t vector);

/*
 * entry.S: calls the firmware or hypervisor as the SMC calling convention (Arm DEN 0028)
 * says: x0 to x3 are regs[0] to regs[3] before and after. Undefined, an exception, if
 * nobody is there.
 */
void smccc_call(uint32_t conduit, uint64_t regs[4]);

#define READ_SYSREG(name)                                                                \
	({                                                                               \
		uint64_t value_;                                                         \
		__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");          \
		value_;                                                                  \
	})
#define WRITE_SYSREG(name, value)                                                        \
	__asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

#define CURRENT_EL2 0x8 /* CurrentEL */
#define HCR_E2H	    (1ULL << 34)

/*
 * True at EL2 without VHE, whose registers have names and layouts of their own. With VHE
 * the names of EL1 mean EL2's registers, which have EL1's layout.
 */
static inline bool at_plain_el2(void)
{
	return READ_SYSREG(CurrentEL) == CURRENT_EL2 && !(READ_SYSREG(hcr_el2) & HCR_E2H);
}

#define READ_OWN_SYSREG(name)                                                            \
	(at_plain_el2() ? READ_SYSREG(name##_el2) : READ_SYSREG(name##_el1))
#define WRITE_OWN_SYSREG(name, value)                                                    \
	do {                                                                             \
		if (at_plain_el2())                                                      \
			WRITE_SYSREG(name##_el2, value);                                 \
		else                                                                     \
			WRITE_SYSREG(name##_el1, value);                                 \
	} while (0)

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void dsb(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

/* Returns the four bits at @shift of an ID register. */
static inline unsigned int id_field(uint64_t id, unsigned int shift)
{
	return id >> shift & 0xf;
}

#pragma GCC visibility pop

#endif
