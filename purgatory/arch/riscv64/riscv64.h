/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * riscv64.h - declarations shared by the riscv64 files of the purgatory.
 *
 * CSRs are those of the RISC-V Privileged Architecture, calls those of the RISC-V
 * Supervisor Binary Interface (SBI) 2.0.
 */
#ifndef KS_PURGATORY_RISCV64_H
#define KS_PURGATORY_RISCV64_H

#include "purgatory.h"

#pragma GCC visibility push(hidden)

/* entry.S: the trap handler for stvec */
extern const uint8_t purgatory_vector[];

/* entry.S: the stack of the innermost arch_try(); 0: none is running. */
extern uint64_t purgatory_try_stack;

/* Called by the trap handler. Returns the number if arch_try() shall end with it. */
int purgatory_exception(void);

#define READ_CSR(name)                                                                   \
	({                                                                               \
		uint64_t value_;                                                         \
		__asm__ volatile("csrr %0, " #name : "=r"(value_) : : "memory");         \
		value_;                                                                  \
	})
#define WRITE_CSR(name, value)                                                           \
	__asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

/* sbiret.error and, of calls before SBI 0.2, the only result */
#define SBI_SUCCESS 0

struct sbi_result {
	int64_t error;
	uint64_t value;
};

/* Calls function @function of @extension. Firmware keeps all registers but a0 and a1. */
static inline struct sbi_result sbi_call(uint64_t extension, uint64_t function,
					 uint64_t arg0, uint64_t arg1)
{
	register uint64_t a0 __asm__("a0") = arg0;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a6 __asm__("a6") = function;
	register uint64_t a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
	return (struct sbi_result){ (int64_t)a0, a1 };
}

#pragma GCC visibility pop

#endif
