/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry, exit and the vectors of the exceptions.
 *
 * Entry: as kexec_load() enters: EL1 or EL2, DAIF masked, MMU and caches off, this code
 * clean to the point of coherency. Exit: Documentation/arch/arm64/booting.rst of the
 * kernel.
 *
 * Whether data is seen with the MMU off depends on caches. So nothing is stored before
 * the MMU is on, and after it is off again. The way back uses registers alone.
 */
#include "purgatory_params.h"

#ifdef __OPTIMIZE__
#define STACK_SIZE 8192
#else
#define STACK_SIZE (8192 + 65536) /* traceless.h wipes more then */
#endif

#define SCTLR_M	  (1 << 0)
#define SCTLR_A	  (1 << 1)
#define SCTLR_C	  (1 << 2)
#define SCTLR_I	  (1 << 12)
#define SCTLR_WXN (1 << 19)

#define CURRENT_EL2 0x8
#define HCR_E2H_BIT 34

/* MAIR: attribute 0 is normal write-back memory, 1 is Device-nGnRE: arm64 pgtable.h. */
#define MAIR 0x04ff

/* TCR: walks of the tables are write-back, inner shareable; 4 KiB granule. */
#define TCR_WALKS    ((1 << 8) | (1 << 10) | (3 << 12))
#define TCR_EL1_REST 0x80800000 /* EPD1: no upper half; its granule 4 KiB */
#define TCR_EL2_REST 0x80800000 /* RES1 */
#define TCR_EL1_IPS  32
#define TCR_EL2_PS   16

#define TGRAN4_NONE  0xf
#define PA_BITS_48   5 /* the largest output address without LPA2 */
#define TCR2_EL1     s3_0_c2_c0_3
#define TCR2_EL2     s3_4_c2_c0_3
#define ID_AA64MMFR3 s3_0_c0_c7_3

#define ESB hint #16 /* takes a pending SError, where the CPU has it; else does nothing */

	/* Sets \to to 1 at EL2 without VHE, otherwise 0. */
	.macro plain_el2 to
	mrs \to, CurrentEL
	cmp \to, #CURRENT_EL2
	cset \to, eq
	b.ne .Lel\@
	mrs \to, hcr_el2
	ubfx \to, \to, #HCR_E2H_BIT, #1
	eor \to, \to, #1
.Lel\@:
	.endm

	/* Forgets all translations of the current EL. */
	.macro flush_tlb tmp
	mrs \tmp, CurrentEL
	cmp \tmp, #CURRENT_EL2
	b.eq .Lel2\@
	tlbi vmalle1
	b .Ldone\@
.Lel2\@:
	tlbi alle2
.Ldone\@:
	.endm

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
	.globl purgatory_entry
	.hidden purgatory_entry
	.type purgatory_entry, @function
purgatory_entry:
	msr daifset, #0xf
	msr spsel, #1
	adr x0, purgatory_params
	plain_el2 x1
	cbnz x1, 1f
	mrs x19, sctlr_el1
	b 2f
1:	mrs x19, sctlr_el2
2:	ldr x2, [x0, #(PURGATORY_PARAMS_ARCH + PURGATORY_ARCH_PAGE_TABLE)]
	cbz x2, caches_stay_off
	mrs x3, id_aa64mmfr0_el1
	ubfx x4, x3, #28, #4
	cmp x4, #TGRAN4_NONE
	b.eq caches_stay_off

	/* TCR: T0SZ, and the size of addresses that this CPU has. */
	ldr w5, [x0, #(PURGATORY_PARAMS_ARCH + PURGATORY_ARCH_VA_BITS)]
	mov w6, #64
	sub w5, w6, w5
	and w5, w5, #0x3f
	mov w6, #TCR_WALKS
	orr w5, w5, w6
	and x3, x3, #0xf
	mov x4, #PA_BITS_48
	cmp x3, x4
	csel x3, x3, x4, lo
	mov w6, #MAIR
	mrs x7, ID_AA64MMFR3 /* bits 3:0: there is a TCR2, which may change permissions */
	ands x7, x7, #0xf
	cset w7, ne
	cbnz x1, 3f

	movz x8, #(TCR_EL1_REST >> 16), lsl #16
	orr x5, x5, x8
	orr x5, x5, x3, lsl #TCR_EL1_IPS
	msr mair_el1, x6
	msr tcr_el1, x5
	msr ttbr0_el1, x2
	cbz w7, 4f
	msr TCR2_EL1, xzr
	b 4f
3:	movz w8, #(TCR_EL2_REST >> 16), lsl #16
	orr x5, x5, x8
	orr x5, x5, x3, lsl #TCR_EL2_PS
	msr mair_el2, x6
	msr tcr_el2, x5
	msr ttbr0_el2, x2
	cbz w7, 4f
	msr TCR2_EL2, xzr
4:	isb
	flush_tlb x8
	ic iallu
	dsb sy
	isb
	bic x8, x19, #SCTLR_A
	bic x8, x8, #SCTLR_WXN
	mov w9, #(SCTLR_M | SCTLR_C | SCTLR_I)
	orr x8, x8, x9
	cbnz x1, 5f
	msr sctlr_el1, x8
	isb
	b caches_stay_off
5:	msr sctlr_el2, x8
	isb

caches_stay_off:
	adr x1, stack_top
	mov sp, x1
	mov x29, xzr
	mov x30, xzr
	bl purgatory_main

	/*
	 * x0: the kernel, x1: its device tree. Wipe the stack: SHA-256 had the seed on it.
	 * From here on nothing else is stored.
	 */
	adr x2, stack
	adr x3, stack_top
6:	stp xzr, xzr, [x2], #16
	cmp x2, x3
	b.lo 6b

	/* All that the purgatory has written; the rest is clean since it was loaded. */
	mrs x4, ctr_el0
	ubfx x4, x4, #16, #4 /* log2 of the words in a line */
	mov x5, #4
	lsl x4, x5, x4
	adr x2, purgatory_params
	adr x3, purgatory_end
	dsb sy
7:	dc civac, x2
	add x2, x2, x4
	cmp x2, x3
	b.lo 7b
	dsb sy

	plain_el2 x2
	cbnz x2, 8f
	msr sctlr_el1, x19
	b 9f
8:	msr sctlr_el2, x19
9:	isb
	flush_tlb x2
	ic iallu
	dsb sy
	isb

	mov x16, x0
	mov x0, x1
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	mov x\n, xzr
	.endr
	br x16
	.size purgatory_entry, . - purgatory_entry

	/* One vector: its number, on the stack that the fault has left, if it is one. */
	.macro vector number
	.balign 0x80
	mov x0, #\number
	b exception_common
	.endm

	.balign 0x800
	.globl purgatory_vectors
	.hidden purgatory_vectors
purgatory_vectors:
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector \n
	.endr

	.type exception_common, @function
exception_common:
	mov x1, sp
	and x1, x1, #-16
	mov sp, x1
	bl purgatory_exception /* returns the class if arch_try() is to end */
	adr x10, purgatory_try_stack
	ldr x11, [x10]
	mov sp, x11
	b end_of_try
	.size exception_common, . - exception_common

	/*
	 * int arch_try(void (*run)(void *context), void *context): see arch.h. The stack
	 * holds what the caller expects, and the stack of the try around this one.
	 *
	 * SErrors, which say late that memory was bad, are taken in a try only: outside
	 * they stay pending. An outermost try runs without those from before.
	 */
	.globl arch_try
	.hidden arch_try
	.type arch_try, @function
arch_try:
	ldr x9, purgatory_try_stack
	cbnz x9, try_once
	stp x29, x30, [sp, #-32]!
	stp x0, x1, [sp, #16]
	adr x0, nothing
	bl try_once
	ldp x0, x1, [sp, #16]
	ldp x29, x30, [sp], #32
try_once:
	stp x29, x30, [sp, #-112]!
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	mrs x9, daif
	adr x10, purgatory_try_stack
	ldr x11, [x10]
	stp x9, x11, [sp, #96]
	mov x11, sp
	str x11, [x10]
	msr daifclr, #4 /* A: SErrors */
	isb
	mov x9, x0
	mov x0, x1
	blr x9
	dsb sy
	ESB
	isb
	mov w0, #-1
end_of_try:
	ldp x9, x11, [sp, #96]
	adr x10, purgatory_try_stack
	str x11, [x10]
	msr daif, x9
	ldp x19, x20, [sp, #16]
	ldp x21, x22, [sp, #32]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #64]
	ldp x27, x28, [sp, #80]
	ldp x29, x30, [sp], #112
nothing:
	ret
	.size arch_try, . - arch_try

	/* void smccc_call(uint32_t conduit, uint64_t regs[4]) */
	.globl smccc_call
	.hidden smccc_call
	.type smccc_call, @function
smccc_call:
	stp x29, x30, [sp, #-32]!
	str x1, [sp, #16]
	mov w8, w0
	mov x9, x1
	ldp x0, x1, [x9]
	ldp x2, x3, [x9, #16]
	mov x4, xzr
	mov x5, xzr
	mov x6, xzr
	mov x7, xzr
	cmp w8, #PURGATORY_CONDUIT_SMC
	b.eq 1f
	hvc #0
	b 2f
1:	smc #0
2:	ldr x9, [sp, #16]
	stp x0, x1, [x9]
	stp x2, x3, [x9, #16]
	ldp x29, x30, [sp], #32
	ret
	.size smccc_call, . - smccc_call

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
