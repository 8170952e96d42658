/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arm64 probe: an Image that prints what it was handed and stops.
 *
 *     PROBE BEGIN
 *     reg NAME VALUE        x0 to x3, the address it runs at, CurrentEL, SCTLR, DAIF, CTR
 *     hex OFFSET BYTES      the device tree at x0, totalsize bytes or the first 64 KiB
 *     PROBE END
 *
 * For QEMU's machine "virt": its PL011 is at a fixed address. Everything is in registers, so
 * that nothing of the old kernel's memory is overwritten. Image header:
 * Documentation/arch/arm64/booting.rst.
 */
#define UART	   0x09000000
#define UART_FLAGS 0x18 /* of the PL011 */
#define TX_FULL	   5
#define MOST	   0x10000
#define EL2	   (2 << 2) /* CurrentEL */

	.text
head:
	b	start
	.long	0
	.quad	0		/* text_offset */
	.quad	0x10000		/* image_size */
	.quad	0xa		/* flags: little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* Registers: x19 UART, x20 tree, x21 offset, x22 end; x29 and x30 return addresses. */

/* print_char: w0; uses w1 */
print_char:
	ldr	w1, [x19, #UART_FLAGS]
	tbnz	w1, #TX_FULL, print_char
	strb	w0, [x19]
	ret

/* print_text: zero-terminated, at x2; uses x0, x1, x29 */
print_text:
	mov	x29, x30
1:	ldrb	w0, [x2], #1
	cbz	w0, 2f
	bl	print_char
	b	1b
2:	ret	x29

/* print_hex: the low w4 bits of x3, whose number is a multiple of 4; uses x0, x1, x29 */
print_hex:
	mov	x29, x30
1:	sub	w4, w4, #4
	lsr	x0, x3, x4
	and	w0, w0, #15
	cmp	w0, #10
	add	w1, w0, #'a' - 10
	add	w0, w0, #'0'
	csel	w0, w0, w1, lo
	bl	print_char
	cbnz	w4, 1b
	ret	x29

/* print_register NAME, REGISTER; uses x0 to x4 */
.macro print_register name, register
	mov	x3, \register
	adr	x2, 8f
	bl	print_text
	mov	w4, #64
	bl	print_hex
	mov	w0, #'\n'
	bl	print_char
	b	9f
8:	.asciz	"reg \name "
	.balign	4
9:
.endm

start:
	mov	x20, x0
	mov	x23, x1
	mov	x24, x2
	mov	x25, x3
	mov	x19, #UART
	adr	x2, begin
	bl	print_text
	print_register x0, x20
	print_register x1, x23
	print_register x2, x24
	print_register x3, x25
	adr	x5, head
	print_register pc, x5
	mrs	x6, CurrentEL
	print_register el, x6
	mrs	x5, sctlr_el1
	cmp	x6, #EL2
	b.ne	1f
	mrs	x5, sctlr_el2
1:	print_register sctlr, x5
	mrs	x5, daif
	print_register daif, x5
	mrs	x5, ctr_el0
	print_register ctr, x5

	cbz	x20, finish
	ldr	w22, [x20, #4]	/* totalsize, big endian */
	rev	w22, w22
	mov	w0, #MOST
	cmp	w22, w0
	csel	w22, w22, w0, lo
	mov	x21, #0
line:	cmp	x21, x22
	b.hs	finish
	adr	x2, hex
	bl	print_text
	mov	x3, x21
	mov	w4, #32
	bl	print_hex
	mov	w0, #' '
	bl	print_char
byte:	ldrb	w3, [x20, x21]
	mov	w4, #8
	bl	print_hex
	add	x21, x21, #1
	cmp	x21, x22
	b.hs	1f
	tst	x21, #31
	b.ne	byte
1:	mov	w0, #'\n'
	bl	print_char
	b	line

finish:
	adr	x2, end
	bl	print_text
1:	wfi
	b	1b

begin:	.asciz	"\nPROBE BEGIN\n"
hex:	.asciz	"hex "
end:	.asciz	"PROBE END\n"
