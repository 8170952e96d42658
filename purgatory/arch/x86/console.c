// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on an 8250 UART (registers as in the PC16550D data sheet) and on the VGA text
 * screen. Both are used without knowing whether they exist.
 */
#include "x86.h"

#define UART_DATA   0 /* divisor, low byte, while LCR_DIVISOR is set */
#define UART_IER    1 /* divisor, high byte */
#define UART_LCR    3
#define UART_MCR    4
#define UART_LSR    5
#define LCR_8N1	    0x03
#define LCR_DIVISOR 0x80
#define MCR_DTR_RTS 0x03
#define LSR_ROOM    0x20
#define LSR_NOBODY  0xff   /* reads as this on an empty bus */
#define UART_CLOCK  115200 /* baud, with divisor 1 */
#define UART_LAST   7

/* A port read takes about 1 us, so this is longer than a character at 1200 baud. */
#define UART_POLLS 20000

#define VGA_TEXT    0xb8000
#define VGA_COLUMNS 80
#define VGA_LINES   25
#define VGA_BLANK   0x0720 /* light grey on black */

/* Static, because an exception must be able to print. */
static struct {
	uint16_t port; /* 0: no serial line */
	bool vga;
	bool verbose;
	unsigned int line, column;
} console;

static void serial_init(const struct purgatory_params *params)
{
	uint32_t port = params->serial_port, divisor;

	if (port == 0 || port > UINT16_MAX - UART_LAST)
		return;
	if (inb((uint16_t)port + UART_LSR) == LSR_NOBODY)
		return;
	console.port = (uint16_t)port;
	if (params->serial_baud == 0 || params->serial_baud > UART_CLOCK)
		return;
	divisor = UART_CLOCK / params->serial_baud;
	if (divisor > UINT16_MAX)
		return;
	outb(console.port + UART_LCR, LCR_8N1 | LCR_DIVISOR);
	outb(console.port + UART_DATA, (uint8_t)divisor);
	outb(console.port + UART_IER, (uint8_t)(divisor >> 8));
	outb(console.port + UART_LCR, LCR_8N1);
	outb(console.port + UART_IER, 0);
	outb(console.port + UART_MCR, MCR_DTR_RTS);
}

void console_init(const struct purgatory_params *params)
{
	if (params->console & PURGATORY_CONSOLE_SERIAL)
		serial_init(params);
	console.vga = params->console & PURGATORY_CONSOLE_VGA;
	console.verbose = params->console & PURGATORY_CONSOLE_VERBOSE;
}

bool console_is_verbose(void)
{
	return console.verbose;
}

static void serial_put(char c)
{
	for (unsigned int i = 0; i < UART_POLLS; i++) {
		if (inb(console.port + UART_LSR) & LSR_ROOM) {
			outb(console.port + UART_DATA, (uint8_t)c);
			return;
		}
	}
	console.port = 0; /* stuck: do not wait again for each further character */
}

/* No scrolling: the first line, blanked, follows the last. */
static void vga_put(char c)
{
	volatile uint16_t *screen = (volatile uint16_t *)(uintptr_t)VGA_TEXT;
	volatile uint16_t *line = screen + console.line * VGA_COLUMNS;

	if (console.column == 0)
		for (unsigned int i = 0; i < VGA_COLUMNS; i++)
			line[i] = VGA_BLANK;
	if (c != '\n')
		line[console.column++] = (uint16_t)((VGA_BLANK & 0xff00) | (uint8_t)c);
	if (c == '\n' || console.column == VGA_COLUMNS) {
		console.column = 0;
		console.line = (console.line + 1) % VGA_LINES;
	}
}

static void put(char c)
{
	if (console.port && c == '\n')
		serial_put('\r');
	if (console.port)
		serial_put(c);
	if (console.vga)
		vga_put(c);
}

#include "say.h"
