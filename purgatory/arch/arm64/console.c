// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on a PL011 (Arm DDI 0183; the SBSA's generic UART has the same two registers)
 * or on an 8250 UART in memory (registers as in the PC16550D data sheet). Firmware or the
 * old kernel has set it up. The page tables map one page of it, as Device memory.
 */
#include "arm64.h"

#define PL011_DR	0x00
#define PL011_FR	0x18
#define PL011_FR_TXFF	(1U << 5) /* no room */
#define UART_DATA	0
#define UART_LSR	5
#define UART_LSR_ROOM	0x20
#define UART_WIDE_SHIFT 2 /* log2 of the distance of 32-bit registers */

/* A read takes 100 ns at least; a character at 1200 baud takes 8 ms. */
#define UART_POLLS 200000

/* Static, because an exception must be able to print. */
static struct {
	uint64_t uart; /* 0: no serial line */
	uint32_t type;
	bool verbose;
} console;

void console_init(const struct purgatory_params *params)
{
	const struct purgatory_arch_params *a = &params->arch;
	bool known = a->uart_type >= PURGATORY_UART_PL011 &&
		     a->uart_type <= PURGATORY_UART_8250_32;

	/* all of it: what lies here is not verified */
	console.type = a->uart_type;
	console.uart = params->console & PURGATORY_CONSOLE_SERIAL && known ? a->uart : 0;
	console.verbose = params->console & PURGATORY_CONSOLE_VERBOSE;
}

bool console_is_verbose(void)
{
	return console.verbose;
}

static uint32_t read32(uint64_t addr)
{
	return *(volatile uint32_t *)(uintptr_t)addr;
}

static void write32(uint64_t addr, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)addr = value;
}

static uint8_t read8(uint64_t addr)
{
	return *(volatile uint8_t *)(uintptr_t)addr;
}

static void write8(uint64_t addr, uint8_t value)
{
	*(volatile uint8_t *)(uintptr_t)addr = value;
}

static bool has_room(void)
{
	switch (console.type) {
	case PURGATORY_UART_PL011:
		return !(read32(console.uart + PL011_FR) & PL011_FR_TXFF);
	case PURGATORY_UART_8250_32:
		return read32(console.uart + (UART_LSR << UART_WIDE_SHIFT)) &
		       UART_LSR_ROOM;
	default:
		return read8(console.uart + UART_LSR) & UART_LSR_ROOM;
	}
}

static void serial_put(char c)
{
	for (unsigned int i = 0; i < UART_POLLS; i++) {
		if (!has_room())
			continue;
		if (console.type == PURGATORY_UART_8250)
			write8(console.uart + UART_DATA, (uint8_t)c);
		else
			write32(console.uart + PL011_DR, (uint8_t)c);
		return;
	}
	console.uart = 0; /* stuck: do not wait again for each further character */
}

static void put(char c)
{
	if (console.uart && c == '\n')
		serial_put('\r');
	if (console.uart)
		serial_put(c);
}

#include "say.h"
