/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * header.S - the probe's setup header: sector 0, sector 1 and the two entries.
 *
 * Fields and offsets: the kernel's Documentation/arch/x86/boot.rst, protocol 2.15. Loaders copy
 * the header from here; the setup code that a BIOS loader would start in real mode only halts
 * the CPU.
 */
#define __ASSEMBLY__ /* older headers test this instead of __ASSEMBLER__ */
#include <asm/bootparam.h>

#define PAYLOAD_SIZE 0x10000 /* probe.lds pads to it */
#define INIT_SIZE    0x800000
#define ALIGN_LOG2   21
#define BP_SCRATCH   0x1e4 /* boot_params.scratch: zero-page.rst */

	.section ".header", "ax"
	.code16
header_start:
	.org	0x1f1
	.byte	1			/* setup_sects */
	.word	0			/* root_flags */
	.long	PAYLOAD_SIZE / 16	/* syssize */
	.word	0			/* ram_size */
	.word	0xffff			/* vid_mode */
	.word	0			/* root_dev */
	.word	0xaa55			/* boot_flag */
	.byte	0xeb			/* jump; its displacement gives the header's end */
	.byte	header_end - header_magic
header_magic:
	.ascii	"HdrS"
	.word	0x020f			/* version */
	.long	0			/* realmode_swtch */
	.word	0x1000			/* start_sys_seg */
	.word	version - header_start - 0x200 /* kernel_version */
	.byte	0			/* type_of_loader */
	.byte	LOADED_HIGH		/* loadflags */
	.word	0			/* setup_move_size */
	.long	0x100000		/* code32_start */
	.long	0			/* ramdisk_image */
	.long	0			/* ramdisk_size */
	.long	0			/* bootsect_kludge */
	.word	0			/* heap_end_ptr */
	.byte	0			/* ext_loader_ver */
	.byte	0			/* ext_loader_type */
	.long	0			/* cmd_line_ptr */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	1 << ALIGN_LOG2		/* kernel_alignment */
	.byte	1			/* relocatable_kernel */
	.byte	ALIGN_LOG2		/* min_alignment */
	.word	XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G | XLF_EFI_KEXEC | XLF_5LEVEL
	.long	2047			/* cmdline_size */
	.long	0			/* hardware_subarch */
	.quad	0			/* hardware_subarch_data */
	.long	0			/* payload_offset */
	.long	0			/* payload_length */
	.quad	0			/* setup_data */
	.quad	0x1000000		/* pref_address */
	.long	INIT_SIZE		/* init_size */
	.long	0			/* handover_offset */
	.long	kernel_info - payload	/* kernel_info_offset */
header_end:
	cli
1:	hlt
	jmp	1b
version:
	.asciz	"probe of kexec-seed"
	.org	0x400

	/*
	 * The loaded payload begins here, with the 32-bit entry. All registers are saved before
	 * they are used, except the stack pointer, which is undefined at entry: it becomes the
	 * address of here, by a call with a one-word stack in boot_params.scratch.
	 */
	.code32
payload:
	leal	BP_SCRATCH + 4(%esi), %esp
	call	here
here:	popl	%esp
	movl	%eax, entry_regs+0x00-here(%esp)
	movl	%ebx, entry_regs+0x08-here(%esp)
	movl	%ecx, entry_regs+0x10-here(%esp)
	movl	%edx, entry_regs+0x18-here(%esp)
	movl	%esi, entry_regs+0x20-here(%esp)
	movl	%edi, entry_regs+0x28-here(%esp)
	movl	%ebp, entry_regs+0x30-here(%esp)
	movl	%esp, %ebp
	jmp	enter_long_mode
	.balign	16
kernel_info:
	.ascii	"LToP"
	.long	16			/* size */
	.long	16			/* size_total */
	.long	SETUP_TYPE_MAX
	.org	0x600

	/* The 64-bit entry, 0x200 after the start. Saves all registers before using them. */
	.code64
	.globl	startup_64
startup_64:
	movq	%rax, entry_regs+0x00(%rip)
	movq	%rbx, entry_regs+0x08(%rip)
	movq	%rcx, entry_regs+0x10(%rip)
	movq	%rdx, entry_regs+0x18(%rip)
	movq	%rsi, entry_regs+0x20(%rip)
	movq	%rdi, entry_regs+0x28(%rip)
	movq	%rbp, entry_regs+0x30(%rip)
	movq	%rsp, entry_regs+0x38(%rip)
	movq	%r8,  entry_regs+0x40(%rip)
	movq	%r9,  entry_regs+0x48(%rip)
	movq	%r10, entry_regs+0x50(%rip)
	movq	%r11, entry_regs+0x58(%rip)
	movq	%r12, entry_regs+0x60(%rip)
	movq	%r13, entry_regs+0x68(%rip)
	movq	%r14, entry_regs+0x70(%rip)
	movq	%r15, entry_regs+0x78(%rip)
	leaq	stack_end(%rip), %rsp
	pushfq
	popq	entry_regs+0x80(%rip)
	cli
	cld
	movq	%cr0, %rax
	movq	%rax, entry_regs+0x88(%rip)
	movq	%cr3, %rax
	movq	%rax, entry_regs+0x90(%rip)
	movq	%cr4, %rax
	movq	%rax, entry_regs+0x98(%rip)
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, entry_regs+0xa0(%rip)
	xorl	%eax, %eax
	movw	%cs, %ax
	movq	%rax, entry_regs+0xa8(%rip)
	movw	%ds, %ax
	movq	%rax, entry_regs+0xb0(%rip)
	movw	%es, %ax
	movq	%rax, entry_regs+0xb8(%rip)
	movw	%ss, %ax
	movq	%rax, entry_regs+0xc0(%rip)
go_on:
	leaq	entry_regs(%rip), %rdi
	leaq	payload(%rip), %rsi
	call	probe_main
1:	cli
	hlt
	jmp	1b

	/* The rest of the 32-bit entry: %ebp is the address of here. */
	.code32
enter_long_mode:
	leal	stack_end-here(%ebp), %esp
	pushfl
	popl	entry_regs+0x80-here(%ebp)
	cli
	cld
	movl	%cr0, %eax
	movl	%eax, entry_regs+0x88-here(%ebp)
	movl	%cr3, %eax
	movl	%eax, entry_regs+0x90-here(%ebp)
	movl	%cr4, %eax
	movl	%eax, entry_regs+0x98-here(%ebp)
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	movl	%eax, entry_regs+0xa0-here(%ebp)
	movl	%edx, entry_regs+0xa4-here(%ebp)
	movw	%cs, entry_regs+0xa8-here(%ebp)
	movw	%ds, entry_regs+0xb0-here(%ebp)
	movw	%es, entry_regs+0xb8-here(%ebp)
	movw	%ss, entry_regs+0xc0-here(%ebp)

	/* The low 4 GiB in 2 MiB pages: four page directories, a PDPT and a PML4. */
	leal	tables32-here(%ebp), %edi
	leal	0x1003(%edi), %eax	/* present, writable */
	movl	%eax, (%edi)
	xorl	%ecx, %ecx
2:	addl	$0x1000, %eax
	movl	%eax, 0x1000(%edi, %ecx, 8)
	incl	%ecx
	cmpl	$4, %ecx
	jb	2b
	xorl	%ecx, %ecx
	movl	$0x83, %eax		/* and large */
3:	movl	%eax, 0x2000(%edi, %ecx, 8)
	addl	$0x200000, %eax
	incl	%ecx
	cmpl	$2048, %ecx
	jb	3b
	movl	%edi, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax		/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax	/* PG */
	movl	%eax, %cr0
	subl	$8, %esp
	leal	gdt64-here(%ebp), %eax
	movw	$(gdt64_end - gdt64 - 1), (%esp)
	movl	%eax, 2(%esp)
	lgdt	(%esp)
	addl	$8, %esp
	leal	go_on-here(%ebp), %eax
	pushl	$0x10
	pushl	%eax
	lret
	.code64

	.section ".rodata", "a"
	.balign	8
gdt64:
	.quad	0
	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
gdt64_end:

	.section ".bss", "aw", @nobits
	.balign	16
entry_regs:
	.skip	0xc8
	.balign	16
	.skip	0x4000
stack_end:

	.section ".note.GNU-stack", "", @progbits
