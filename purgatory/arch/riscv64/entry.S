/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry, exit and the trap handler.
 *
 * Entry: as kexec_load() enters: S-mode, satp 0, a0 the hart, everything else undefined;
 * after a crash by way of stvec, which has to be a multiple of 4. Exit:
 * Documentation/arch/riscv/boot.rst of the kernel.
 */
#include "purgatory_params.h"

#ifdef __OPTIMIZE__
#define STACK_SIZE 8192
#else
#define STACK_SIZE (8192 + 65536) /* traceless.h wipes more then */
#endif

#define SSTATUS_SIE 2

	.option norelax

	.section .head, "a", @progbits
	.globl purgatory_params
	.hidden purgatory_params
	.type purgatory_params, @object
	.size purgatory_params, PURGATORY_PARAMS_SIZE
purgatory_params:
	.ascii "PRGTORY1" /* PURGATORY_MAGIC, whose suffix only C knows */
	.long PURGATORY_VERSION
	.long PURGATORY_PARAMS_SIZE
	.long purgatory_entry - purgatory_params
	.long purgatory_file_end - purgatory_params
	.quad purgatory_end - purgatory_params
	.skip PURGATORY_PARAMS_SIZE - (. - purgatory_params)

	.section .text, "ax", @progbits
	.balign 4
	.globl purgatory_entry
	.hidden purgatory_entry
	.type purgatory_entry, @function
purgatory_entry:
	csrci sstatus, SSTATUS_SIE
	csrw sie, zero
	csrw satp, zero
	lla sp, stack_top
	li ra, 0
	li gp, 0
	li tp, 0
	mv s0, a0
	lla a0, purgatory_params
	call purgatory_main

	/*
	 * a0: the kernel, a1: its device tree. Wipe the stack: SHA-256 had the seed on it.
	 */
	lla t0, stack
	lla t1, stack_top
1:	sd zero, (t0)
	addi t0, t0, 8
	bltu t0, t1, 1b

	mv t0, a0
	mv a0, s0
	fence rw, rw
	fence.i
	.irp r, ra, sp, gp, tp, t1, t2, t3, t4, t5, t6, a2, a3, a4, a5, a6, a7, s0, s1, s2, \
		s3, s4, s5, s6, s7, s8, s9, s10, s11
	li \r, 0
	.endr
	jr t0
	.size purgatory_entry, . - purgatory_entry

	/* On the stack that the fault has left. */
	.balign 4
	.globl purgatory_vector
	.hidden purgatory_vector
	.type purgatory_vector, @function
purgatory_vector:
	andi sp, sp, -16
	call purgatory_exception /* returns if arch_try() is to end */
	lla t0, purgatory_try_stack
	ld sp, (t0)
	j end_of_try
	.size purgatory_vector, . - purgatory_vector

	/*
	 * int arch_try(void (*run)(void *context), void *context): see arch.h. The stack
	 * holds what the caller expects, and the stack of the try around this one.
	 */
	.globl arch_try
	.hidden arch_try
	.type arch_try, @function
arch_try:
	addi sp, sp, -112
	sd ra, 0(sp)
	sd s0, 8(sp)
	sd s1, 16(sp)
	sd s2, 24(sp)
	sd s3, 32(sp)
	sd s4, 40(sp)
	sd s5, 48(sp)
	sd s6, 56(sp)
	sd s7, 64(sp)
	sd s8, 72(sp)
	sd s9, 80(sp)
	sd s10, 88(sp)
	sd s11, 96(sp)
	lla t0, purgatory_try_stack
	ld t1, (t0)
	sd t1, 104(sp)
	sd sp, (t0)
	mv t0, a0
	mv a0, a1
	jalr t0
	li a0, -1
end_of_try:
	lla t0, purgatory_try_stack
	ld t1, 104(sp)
	sd t1, (t0)
	ld ra, 0(sp)
	ld s0, 8(sp)
	ld s1, 16(sp)
	ld s2, 24(sp)
	ld s3, 32(sp)
	ld s4, 40(sp)
	ld s5, 48(sp)
	ld s6, 56(sp)
	ld s7, 64(sp)
	ld s8, 72(sp)
	ld s9, 80(sp)
	ld s10, 88(sp)
	ld s11, 96(sp)
	addi sp, sp, 112
	ret
	.size arch_try, . - arch_try

	.section .bss, "aw", @nobits
	.balign 16
stack:
	.skip STACK_SIZE
stack_top:
	.globl purgatory_try_stack
	.hidden purgatory_try_stack
purgatory_try_stack:
	.skip 8

	.section .note.GNU-stack, "", @progbits
