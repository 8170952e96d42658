/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmdline.h - kernel command lines as text.
 *
 * Words are separated by white space; a double quote makes white space part of a word
 * (Documentation/admin-guide/kernel-parameters.rst).
 */
#ifndef KS_CMDLINE_H
#define KS_CMDLINE_H

#include <stdbool.h>

/*
 * @base (may be NULL) without the words that name BOOT_IMAGE, which told where the
 * running kernel came from, and for a crash kernel without crashkernel, which reserved
 * memory for it; then @append (may be NULL). Owned by the caller; NULL: out of memory.
 */
char *cmdline_join(const char *base, const char *append, bool crash);

struct cmdline_console {
	unsigned int port; /* I/O port of the 8250; 0: the command line names none */
	unsigned int baud; /* 0: not said */
};

/* The last serial port that the command line's console= names (ttyS0 to ttyS3). */
struct cmdline_console cmdline_serial(const char *cmdline);

/* I/O port of "ttyS0" ... "ttyS3" (PC standard); 0 for any other name. */
unsigned int serial_port_of(const char *name);

#endif
