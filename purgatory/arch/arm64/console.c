// SPDX-License-Identifier: GPL-2.0-only
/* Messages on a UART, all that arm64 machines have in common. */
#include "arm64.h"

#include "arch/dt/uart.h"

/* Static, because an exception must be able to print. */
static bool verbose;

void console_init(const struct purgatory_params *params)
{
	verbose = params->console & PURGATORY_CONSOLE_VERBOSE;
	uart_init(params);
}

bool console_is_verbose(void)
{
	return verbose;
}

static void put(char c)
{
	uart_put(c);
}

#include "say.h"
