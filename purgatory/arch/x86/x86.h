/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86.h - declarations shared by the x86_64 files of the purgatory.
 */
#ifndef KS_PURGATORY_X86_H
#define KS_PURGATORY_X86_H

#include "purgatory.h"

#pragma GCC visibility push(hidden)

/* entry.S: one stub per exception, STUB_SIZE bytes apart */
extern const uint8_t purgatory_stubs[];

#define STUB_SIZE     16
#define NR_EXCEPTIONS 32
#define PURGATORY_CS  0x10 /* __BOOT_CS of the boot protocol */

/* The stack after a stub: its own two words, then those of the CPU. */
struct exception_frame {
	uint64_t vector;
	uint64_t error;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};

/* entry.S: the stack of the innermost arch_try(); 0: none is running. */
extern uint64_t purgatory_try_stack;

/* Called by the stubs. Returns the vector if arch_try() shall end with it. */
int purgatory_exception(const struct exception_frame *frame);

/* reset.c: ends without any port: the CPU shuts down, which resets the machine. */
void triple_fault(void);

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#pragma GCC visibility pop

#endif
