/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmdline.h - kernel command lines as text.
 *
 * White space separates words; a double quote makes white space part of a word
 * (Documentation/admin-guide/kernel-parameters.rst).
 */
#ifndef KS_CMDLINE_H
#define KS_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Joins @base and @append (either may be NULL). Drops BOOT_IMAGE= from @base, since it
 * names the running kernel's file, and for a crash kernel also crashkernel=, which
 * reserved its memory. The caller frees the result; NULL: out of memory.
 */
char *cmdline_join(const char *base, const char *append, bool crash);

#define CONSOLE_NAME_SIZE 16

/*
 * Finds the next console= word at or after *@at and advances *@at past it. Stores its
 * device in @name, such as "ttyS0" for console=ttyS0,115200n8; longer names are skipped.
 * False: none left.
 */
bool cmdline_next_console(const char **at, char name[CONSOLE_NAME_SIZE]);

#endif
