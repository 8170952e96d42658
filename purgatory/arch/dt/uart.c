// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PL011 (Arm DDI 0183; the SBSA's generic UART has the same two registers) or an 8250
 * UART in memory (registers as in the PC16550D data sheet). Firmware or the old kernel has
 * set it up. On arm64 the page tables map one page of it, as Device memory.
 */
#include "arch/dt/uart.h"

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
	uint64_t addr; /* 0: no serial line */
	uint32_t type;
	bool tried;
} uart;

void uart_init(const struct purgatory_params *params)
{
	const struct purgatory_arch_params *a = &params->arch;
	bool known = a->uart_type >= PURGATORY_UART_PL011 &&
		     a->uart_type <= PURGATORY_UART_8250_32;

	/* all of it: what lies here is not verified */
	uart.type = a->uart_type;
	uart.tried = false;
	uart.addr = params->console & PURGATORY_CONSOLE_SERIAL && known ? a->uart : 0;
}

void uart_disable(void)
{
	uart.addr = 0;
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

/* A fault if nothing is at its address. */
static bool has_room(void)
{
	switch (uart.type) {
	case PURGATORY_UART_PL011:
		return !(read32(uart.addr + PL011_FR) & PL011_FR_TXFF);
	case PURGATORY_UART_8250_32:
		return read32(uart.addr + (UART_LSR << UART_WIDE_SHIFT)) & UART_LSR_ROOM;
	default:
		return read8(uart.addr + UART_LSR) & UART_LSR_ROOM;
	}
}

static void try_uart(void *context)
{
	(void)context;
	has_room();
}

/*
 * Firmware may be wrong about it, or keep it for itself. A kernel is worth more than a
 * message: only a try finds out, and not before there is something to say.
 */
bool uart_is_on(void)
{
	if (uart.addr && !uart.tried) {
		uart.tried = true;
		if (arch_try(try_uart, NULL) >= 0)
			uart_disable();
	}
	return uart.addr;
}

static void put_byte(char c)
{
	for (unsigned int i = 0; i < UART_POLLS; i++) {
		if (!has_room())
			continue;
		if (uart.type == PURGATORY_UART_8250)
			write8(uart.addr + UART_DATA, (uint8_t)c);
		else
			write32(uart.addr + PL011_DR, (uint8_t)c);
		return;
	}
	uart_disable(); /* stuck: do not wait again for each further character */
}

void uart_put(char c)
{
	if (uart_is_on() && c == '\n')
		put_byte('\r');
	if (uart_is_on())
		put_byte(c);
}
