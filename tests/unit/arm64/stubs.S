/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stubs.S - the purgatory's neighbours in tests without a kernel: a program that jumps to
 * it as an old kernel would, with a small hypervisor if it is to run at EL1 under EL2, and
 * a next kernel that reports how it was entered.
 *
 * One flat file. image.c patches the words at OLD_CONFIG.
 */
#define OLD_CONFIG  0x800
#define NEXT_KERNEL 0x2000 /* copied to the kernel's place */

/* config words */
#define MODE	    0 /* 0: at the EL of reset; 1: EL2 with VHE; 2: EL1 under our EL2 */
#define ENTRY	    8
#define HCR	    16 /* further bits of HCR_EL2 for mode 2 */
#define CPTR	    24 /* CPTR_EL2 for mode 2 */
#define CNTHCTL	    32 /* CNTHCTL_EL2 for mode 2 */
#define ISAR0	    40 /* ID_AA64ISAR0_EL1, if HCR traps it */
#define TRNG	    48 /* 0: none; 1: words; 2: an SError with the first; 3: stuck */
#define TRNG_CALLS  56 /* counted here */
#define PCI	    64 /* configuration of a PCI device to switch on; 0: none */
#define PORT	    72 /* the I/O port for its first BAR */

#define PCI_COMMAND 0x04
#define PCI_BAR0    0x10
#define PCI_IO	    1

#define SCTLR_EL1_OFF 0x30500800 /* as Linux leaves them: ARM64.md */
#define SCTLR_EL2_OFF 0x30c50830
#define HCR_RW	      31
#define HCR_TGE	      27
#define HCR_E2H	      34
#define HCR_VSE	      8
#define HCR_AMO	      5

	.text
	.globl _start
_start:
	/* registers of an old kernel, which must not matter */
	ldr x8, =0xdeadbeefcafef00d
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	mov x\n, x8
	.endr
	mov sp, x8
	adr x20, config
	ldr x21, [x20, #MODE]
	ldr x22, [x20, #ENTRY]
	ldr x0, [x20, #PCI]
	cbz x0, 1f
	ldr x1, [x20, #PORT]
	str w1, [x0, #PCI_BAR0]
	mov w1, #PCI_IO
	strh w1, [x0, #PCI_COMMAND]
1:	mrs x0, CurrentEL
	cmp x0, #0x8
	b.eq at_el2
	ldr x0, =SCTLR_EL1_OFF
	msr sctlr_el1, x0
	isb
	b jump

at_el2:
	ldr x0, =SCTLR_EL2_OFF
	msr sctlr_el2, x0
	mov x0, #0x33ff
	msr cptr_el2, x0
	mov x0, #(1 << HCR_RW)
	msr hcr_el2, x0
	isb
	cbz x21, jump
	cmp x21, #1
	b.ne under_el2
	ldr x0, =((1 << HCR_RW) | (1 << HCR_TGE) | (1 << HCR_E2H))
	msr hcr_el2, x0
	isb
	ldr x0, =SCTLR_EL1_OFF
	msr sctlr_el1, x0
	isb
	b jump

under_el2:
	adr x0, el2_vectors
	msr vbar_el2, x0
	adr x0, el2_stack
	mov sp, x0
	ldr x0, =SCTLR_EL1_OFF
	msr sctlr_el1, x0
	ldr x0, [x20, #CPTR]
	msr cptr_el2, x0
	ldr x0, [x20, #CNTHCTL]
	msr cnthctl_el2, x0
	ldr x0, [x20, #HCR]
	orr x0, x0, #(1 << HCR_RW)
	msr hcr_el2, x0
	mov x0, #0x3c5 /* EL1h, DAIF masked */
	msr spsr_el2, x0
	msr elr_el2, x22
	mov x0, xzr
	mov x1, xzr
	mov x2, xzr
	mov x3, xzr
	eret

jump:
	mov x0, xzr
	mov x1, xzr
	mov x2, xzr
	mov x3, xzr
	br x22
	.ltorg

	.org OLD_CONFIG
config:
	.skip 128

	.balign 0x800
el2_vectors:
	.org el2_vectors + 0x400 /* synchronous, from EL1 */
	stp x9, x10, [sp, #-32]!
	stp x11, x12, [sp, #16]
	adr x12, config
	mrs x9, esr_el2
	lsr x9, x9, #26
	cmp x9, #0x16 /* HVC */
	b.eq hypercall
	cmp x9, #0x18 /* MRS */
	b.eq read_register

	/* Anything else is undefined for EL1. */
inject:
	mov x9, #0x2000000 /* EC 0, IL */
	msr esr_el1, x9
	mrs x9, elr_el2
	msr elr_el1, x9
	mrs x9, spsr_el2
	msr spsr_el1, x9
	mrs x9, vbar_el1
	add x9, x9, #0x200
	msr elr_el2, x9
	mov x9, #0x3c5
	msr spsr_el2, x9
	b return

read_register: /* ID_AA64ISAR0_EL1 is answered, other ID registers are as they are */
	mrs x9, esr_el2
	ubfx x10, x9, #5, #5 /* Rt */
	ldr x11, =0x3ffc1e /* Op0, Op2, Op1, CRn, CRm of ISS; Rt and direction cut out */
	and x9, x9, x11
	ldr x11, =((3 << 20) | (0 << 17) | (0 << 14) | (0 << 10) | (6 << 1))
	cmp x9, x11
	b.eq isar0
	ldr x11, =((3 << 20) | (0 << 17) | (0 << 14) | (0 << 10) | (7 << 1))
	cmp x9, x11
	b.eq mmfr0
	ldr x11, =((3 << 20) | (3 << 17) | (0 << 14) | (0 << 10) | (7 << 1))
	cmp x9, x11
	b.eq mmfr3
	b inject
isar0:
	ldr x11, [x12, #ISAR0]
	b answer
mmfr0:
	mrs x11, id_aa64mmfr0_el1
	b answer
mmfr3:
	mrs x11, s3_0_c0_c7_3
answer: /* into register x10: only those that are not on our stack */
	adr x9, 1f
	add x9, x9, x10, lsl #3
	br x9
1:
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	mov x\n, x11
	b 2f
	.endr
	str x11, [sp] /* x9 */
	b 2f
	str x11, [sp, #8]
	b 2f
	str x11, [sp, #16]
	b 2f
	str x11, [sp, #24]
	b 2f
	.irp n, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	mov x\n, x11
	b 2f
	.endr
	nop
2:	mrs x9, elr_el2
	add x9, x9, #4
	msr elr_el2, x9
return:
	ldp x11, x12, [sp, #16]
	ldp x9, x10, [sp], #32
	eret

hypercall:
	ldr x9, [x12, #TRNG]
	cbz x9, refuse
	ldr w10, =0x84000000 /* PSCI_VERSION */
	cmp w0, w10
	b.eq version
	ldr w10, =0x8400000a /* PSCI_FEATURES */
	cmp w0, w10
	b.eq yes
	ldr w10, =0x80000000 /* SMCCC_VERSION */
	cmp w0, w10
	b.eq version
	ldr w10, =0x84000050 /* TRNG_VERSION */
	cmp w0, w10
	b.eq version
	ldr w10, =0xc4000053 /* TRNG_RND64 */
	cmp w0, w10
	b.ne refuse
	cmp x1, #64
	b.ne refuse
	cmp x9, #2
	b.ne 3f
	mrs x10, hcr_el2
	orr x10, x10, #(1 << HCR_VSE)
	orr x10, x10, #(1 << HCR_AMO)
	msr hcr_el2, x10
3:	ldr x10, [x12, #TRNG_CALLS]
	cmp x9, #3
	b.eq 4f
	add x10, x10, #1
	str x10, [x12, #TRNG_CALLS]
4:	mov x1, xzr
	mov x2, xzr
	ldr x3, =0x7267000000000000 /* and the number of the call: test_purgatory_arm64.py */
	add x3, x3, x10
	/* what a firmware of SMCCC 1.0 may leave */
	.irp n, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17
	mov x\n, #0x5555
	.endr
yes:
	mov x0, xzr
	b return
version:
	mov x0, #0x10000
	movk x0, #1
	b return
refuse: /* the machine's own PSCI has SMC */
	smc #0
	b return
	.ltorg

	.balign 16
	.skip 256
el2_stack:

	.org NEXT_KERNEL
next_kernel:
	adr x20, next_kernel
	mov x21, x0
	mov x22, x1
	mov x23, x2
	mov x24, x3
	mov x27, x16
	mov x28, sp
	mrs x25, CurrentEL
	ldr x26, =0x09000000

	.macro report name, register
	adr x0, \name
	bl put_text
	mov x0, \register
	bl put_hex
	.endm

	report text_el, x25
	cmp x25, #0x8
	b.eq 1f
	mrs x19, sctlr_el1
	b 2f
1:	mrs x19, hcr_el2
	report text_hcr, x19
	mrs x19, sctlr_el2
2:	report text_sctlr, x19
	report text_x0, x21
	orr x19, x22, x23
	orr x19, x19, x24
	report text_x123, x19
	mrs x19, daif
	report text_daif, x19
	adr x0, text_bye
	bl put_text
	/* off: PSCI by either conduit; a missing one is undefined and ends here */
	ldr w0, =0x84000008
	ldr x1, [x20, #(conduit - next_kernel)]
	cbnz x1, 3f
	hvc #0
3:	ldr w0, =0x84000008
	smc #0
	b .

put_text: /* x0: text */
	ldrb w1, [x0], #1
	cbz w1, 5f
	str w1, [x26]
	b put_text
put_hex: /* x0: number */
	mov x2, #60
4:	lsr x1, x0, x2
	and w1, w1, #0xf
	cmp w1, #10
	add w3, w1, #'0'
	add w1, w1, #('a' - 10)
	csel w1, w3, w1, lo
	str w1, [x26]
	subs x2, x2, #4
	b.ge 4b
5:	ret
	.ltorg
text_el: .asciz "next kernel: el "
text_hcr: .asciz " hcr "
text_sctlr: .asciz " sctlr "
text_x0: .asciz " x0 "
text_x123: .asciz " x123 "
text_daif: .asciz " daif "
text_bye: .asciz " bye\r\n"
	.balign 8
	.globl conduit
	.org NEXT_KERNEL + 0x400
conduit: /* image.c: 0 HVC, 1 SMC */
	.quad 0
	.org NEXT_KERNEL + 0x1000
