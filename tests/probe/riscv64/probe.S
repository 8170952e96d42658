/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The riscv64 probe: an Image that prints what it was handed and stops; as arm64/probe.S.
 *
 *     PROBE BEGIN
 *     reg NAME VALUE        a0 (hart), the tree, the address it runs at, satp, sie, gp, tp, sp
 *     hex OFFSET BYTES      the device tree at a1, totalsize bytes or the first 64 KiB
 *     PROBE END
 *
 * Prints by SBI's legacy call. Everything is in registers, so that nothing of the old
 * kernel's memory is overwritten. Image header: Documentation/arch/riscv/boot-image-header.rst.
 */
#define SBI_PUTCHAR 1
#define MOST	    0x10000

	.option	norvc
	.option	norelax
	.text
head:
	j	start
	.long	0
	.quad	0x200000	/* text_offset */
	.quad	0x10000		/* image_size */
	.quad	0		/* flags: little endian */
	.long	2, 0
	.quad	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.long	0

/* Registers: s0 hart, s1 tree, s2 offset, s3 end, s4 gp, s5 tp, s6 sp; t5 and t6 return. */

/* print_char: a0 */
print_char:
	li	a7, SBI_PUTCHAR
	ecall
	jr	t6

/* print_text: zero-terminated, at a2; uses a0, t6 */
print_text:
	lbu	a0, (a2)
	beqz	a0, 1f
	addi	a2, a2, 1
	jal	t6, print_char
	j	print_text
1:	jr	t5

/* print_hex: the low a4 bits of a3, whose number is a multiple of 4; uses a0, a5, t6 */
print_hex:
	addi	a4, a4, -4
	srl	a0, a3, a4
	andi	a0, a0, 15
	addi	a0, a0, '0'
	li	a5, '9'
	ble	a0, a5, 1f
	addi	a0, a0, 'a' - '9' - 1
1:	jal	t6, print_char
	bnez	a4, print_hex
	jr	t5

/* print_register NAME, REGISTER */
.macro print_register name, register
	.text	1
8:	.asciz	"reg \name "
	.text	0
	mv	a3, \register
	lla	a2, 8b
	jal	t5, print_text
	li	a4, 64
	jal	t5, print_hex
	li	a0, '\n'
	jal	t6, print_char
.endm

start:
	mv	s0, a0
	mv	s1, a1
	mv	s4, gp
	mv	s5, tp
	mv	s6, sp
	lla	a2, begin
	jal	t5, print_text
	print_register a0, s0
	print_register x0, s1
	lla	s7, head
	print_register pc, s7
	csrr	s7, satp
	print_register satp, s7
	csrr	s7, sie
	print_register sie, s7
	print_register gp, s4
	print_register tp, s5
	print_register sp, s6

	beqz	s1, finish
	li	s2, 3		/* totalsize, big endian: bytes 4 to 7 */
	li	s3, 0
1:	addi	s2, s2, 1
	add	t0, s1, s2
	lbu	t0, (t0)
	slli	s3, s3, 8
	or	s3, s3, t0
	li	t1, 7
	bne	s2, t1, 1b
	li	t0, MOST
	bleu	s3, t0, 2f
	mv	s3, t0
2:	li	s2, 0
line:	bgeu	s2, s3, finish
	lla	a2, hex
	jal	t5, print_text
	mv	a3, s2
	li	a4, 32
	jal	t5, print_hex
	li	a0, ' '
	jal	t6, print_char
byte:	add	t0, s1, s2
	lbu	a3, (t0)
	li	a4, 8
	jal	t5, print_hex
	addi	s2, s2, 1
	bgeu	s2, s3, 1f
	andi	t0, s2, 31
	bnez	t0, byte
1:	li	a0, '\n'
	jal	t6, print_char
	j	line

finish:
	lla	a2, end
	jal	t5, print_text
1:	wfi
	j	1b

	.text	1
begin:	.asciz	"\nPROBE BEGIN\n"
hex:	.asciz	"hex "
end:	.asciz	"PROBE END\n"
