// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on firmware's console, the extension DBCN of SBI 2.0. Where there is none, or the
 * user names a UART, on that; without one by the call that came before DBCN.
 */
#include "riscv64.h"

#include "arch/dt/uart.h"

#define SBI_LEGACY_PUTCHAR 1
#define SBI_BASE	   0x10
#define SBI_BASE_PROBE	   3
#define SBI_DBCN	   0x4442434e
#define SBI_DBCN_WRITE	   2 /* one byte */

/* Static, because an exception must be able to print. */
static struct {
	bool verbose;
	bool dbcn;
} console;

void console_init(const struct purgatory_params *params)
{
	console.verbose = params->console & PURGATORY_CONSOLE_VERBOSE;
	console.dbcn = sbi_call(SBI_BASE, SBI_BASE_PROBE, SBI_DBCN, 0).value;
	uart_init(params);
	if (console.dbcn && !params->serial_port)
		uart_disable();
}

bool console_is_verbose(void)
{
	return console.verbose;
}

static void serial_put(char c)
{
	if (!console.dbcn ||
	    sbi_call(SBI_DBCN, SBI_DBCN_WRITE, (uint8_t)c, 0).error != SBI_SUCCESS)
		sbi_call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)c, 0);
}

static void put(char c)
{
	if (uart_is_on()) {
		uart_put(c);
		return;
	}
	if (c == '\n')
		serial_put('\r');
	serial_put(c);
}

#include "say.h"
