/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry, exit and the stubs of the exceptions.
 *
 * Entry: 64-bit mode, paging on, this code mapped to itself, interrupts off. Nothing else
 * is assumed: the stack, the GDT and the IDT may be gone, and CET may be on.
 * Exit: Documentation/arch/x86/boot.rst of the kernel, "64-bit Boot Protocol" or "32-bit
 * Boot Protocol".
 */
#include "purgatory_params.h"

#define BOOT_CS 0x10
#define BOOT_DS 0x18

#define STACK_SIZE 8192

#define FLAGS_CLEAR 0x2 /* the bit that is always set */

/*
 * CET: the far return below has no shadow stack. PCIDE: our CR3 has no PCID. PGE: the old
 * kernel's global mappings must not outlive its tables. Everything else stays: clearing
 * MCE or VMXE is not always allowed.
 */
#define CR4_PGE	  (1 << 7)
#define CR4_PCIDE (1 << 17)
#define CR4_CET	  (1 << 23)

/* Paging bits, which a kernel entered in 32-bit mode sets itself. */
#define CR0_PG	 (1 << 31)
#define CR4_PAE	 (1 << 5)
#define CR4_LA57 (1 << 12)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)

/* The exceptions with an error code: Intel SDM and AMD64 APM. */
#define WITH_ERROR_CODE                                                                  \
	((1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) |          \
	 (1 << 17) | (1 << 21) | (1 << 29) | (1 << 30))
#define NMI 2

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
	cli
	leaq stack_top(%rip), %rsp
	pushq $FLAGS_CLEAR
	popfq

	movq %cr4, %rax
	movq %rax, %rcx
	andq $~(CR4_CET | CR4_PCIDE | CR4_PGE), %rax
	cmpq %rax, %rcx
	je 1f
	movq %rax, %cr4
1:
	subq $16, %rsp
	leaq gdt(%rip), %rax
	movw $(gdt_end - gdt - 1), (%rsp)
	movq %rax, 2(%rsp)
	lgdt (%rsp)
	xorl %eax, %eax
	lldt %ax
	movl $BOOT_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	leaq 2f(%rip), %rax
	pushq $BOOT_CS
	pushq %rax
	lretq
2:
	leaq purgatory_params(%rip), %rdi
	leaq stack_top(%rip), %rsp
	xorl %ebp, %ebp
	call purgatory_main

	/* Wipe the stack: SHA-256 had the seed on it. */
	movq %rax, jump_target(%rip)
	movq %rdx, %rsi
	leaq stack(%rip), %rdi
	movl $(STACK_SIZE / 8), %ecx
	xorl %eax, %eax
	rep stosq

	xorl %ebx, %ebx
	xorl %edx, %edx
	xorl %edi, %edi
	xorl %ebp, %ebp
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	xorl %r12d, %r12d
	xorl %r13d, %r13d
	xorl %r14d, %r14d
	xorl %r15d, %r15d
	pushq $FLAGS_CLEAR
	popfq
	cmpl $PURGATORY_ENTRY_32, purgatory_params+PURGATORY_PARAMS_ENTRY_MODE(%rip)
	je leave_long_mode
	jmp *jump_target(%rip)
	.size purgatory_entry, . - purgatory_entry

	/*
	 * Enter 32-bit code first, with its own segments under the same selectors and
	 * without an IDT: a fault from here on resets the machine. Then turn paging off.
	 */
	.type leave_long_mode, @function
leave_long_mode:
	subq $16, %rsp
	movq $0, 2(%rsp)
	movw $0, (%rsp)
	lidt (%rsp)
	leaq gdt32(%rip), %rax
	movw $(gdt32_end - gdt32 - 1), (%rsp)
	movq %rax, 2(%rsp)
	lgdt (%rsp)
	leaq stack_top(%rip), %rsp
	pushq jump_target(%rip)
	leaq 3f(%rip), %rax
	pushq $BOOT_CS
	pushq %rax
	lretq

	.code32
3:	/* no relative data addresses in 32-bit code: the target is on the stack */
	movl $BOOT_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl $MSR_EFER, %ecx
	rdmsr
	andl $~EFER_LME, %eax
	wrmsr
	movl %cr4, %eax
	andl $~(CR4_PAE | CR4_LA57), %eax
	movl %eax, %cr4
	xorl %eax, %eax
	movl %eax, %cr3
	xorl %ecx, %ecx
	xorl %edx, %edx
	ret
	.code64
	.size leave_long_mode, . - leave_long_mode

	.type exception_common, @function
exception_common:
	movq %rsp, %rdi
	andq $-16, %rsp
	cld
	call purgatory_exception /* returns the vector if arch_try() is to end */
	movq purgatory_try_stack(%rip), %rsp
	jmp end_of_try
	.size exception_common, . - exception_common

	/*
	 * int arch_try(void (*run)(void *context), void *context): see arch.h. The stack
	 * holds what the caller expects, and the stack of the try around this one.
	 */
	.globl arch_try
	.hidden arch_try
	.type arch_try, @function
arch_try:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq purgatory_try_stack(%rip)
	movq %rsp, purgatory_try_stack(%rip)
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	movl $-1, %eax
end_of_try:
	popq purgatory_try_stack(%rip)
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
	.size arch_try, . - arch_try

	/* STUB_SIZE, 16 bytes, each. NMIs have no owner any more and are ignored. */
	.balign 16
	.globl purgatory_stubs
	.hidden purgatory_stubs
purgatory_stubs:
	.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, \
		19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	.balign 16
	.if \vector == NMI
	iretq
	.else
	.if ((WITH_ERROR_CODE >> \vector) & 1) == 0
	pushq $0
	.endif
	pushq $\vector
	jmp exception_common
	.endif
	.endr

	.section .rodata, "a", @progbits
	.balign 16
gdt:
	.quad 0
	.quad 0
	.quad 0x00af9b000000ffff /* BOOT_CS: flat, 64-bit, accessed: spares a CPU write */
	.quad 0x00cf93000000ffff /* BOOT_DS: flat, accessed */
gdt_end:
gdt32:
	.quad 0
	.quad 0
	.quad 0x00cf9b000000ffff /* BOOT_CS: flat, 32-bit */
	.quad 0x00cf93000000ffff /* BOOT_DS: flat */
gdt32_end:

	.section .bss, "aw", @nobits
	.balign 16
stack:
	.skip STACK_SIZE
stack_top:
jump_target:
	.skip 8
	.globl purgatory_try_stack
	.hidden purgatory_try_stack
purgatory_try_stack:
	.skip 8

	.section .note.GNU-stack, "", @progbits
