// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends without a next kernel: reset and halt.
 */
#include "x86.h"

/* The chipset's reset register, with the bits of Intel's and AMD's data sheets. */
#define RESET_PORT  0xcf9
#define RESET_COLD  0x0a /* full reset, power cycled, so that memory is not kept ... */
#define RESET_DO_IT 0x04 /* ... when this bit goes from 0 to 1 */

/* The keyboard controller, which pulses the CPU's reset line. */
#define KEYBOARD_PORT  0x64
#define KEYBOARD_BUSY  0x02
#define KEYBOARD_RESET 0xfe
#define KEYBOARD_POLLS 20000

/* A read of this port takes about 1 us on any machine. */
#define DELAY_PORT  0x80
#define DELAY_READS 50000

static void wait_for_the_reset(void)
{
	for (unsigned int i = 0; i < DELAY_READS; i++)
		inb(DELAY_PORT);
}

void triple_fault(void)
{
	static const uint8_t no_table[10] = { 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(no_table));
}

void machine_reset(void)
{
	outb(RESET_PORT, RESET_COLD);
	outb(RESET_PORT, RESET_COLD | RESET_DO_IT);
	wait_for_the_reset();

	for (unsigned int i = 0; i < KEYBOARD_POLLS; i++)
		if (!(inb(KEYBOARD_PORT) & KEYBOARD_BUSY))
			break;
	outb(KEYBOARD_PORT, KEYBOARD_RESET);
	wait_for_the_reset();

	triple_fault();
	machine_halt(); /* not reached */
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
