/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uart.h - messages on a UART in memory, as the parameters name it.
 */
#ifndef KS_PURGATORY_UART_H
#define KS_PURGATORY_UART_H

#include "purgatory.h"

#pragma GCC visibility push(hidden)

/* Takes the UART of @params, of a known type; otherwise there is none. */
void uart_init(const struct purgatory_params *params);

/* There is none from now on. */
void uart_disable(void);

/* True if there is one. The first call finds out if anything is at its address. */
bool uart_is_on(void);

/* Writes @c, if there is a UART; with a carriage return before a new line. */
void uart_put(char c);

#pragma GCC visibility pop

#endif
