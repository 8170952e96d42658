/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - numbers of the boot protocol as words.
 */
#ifndef KS_NAMES_H
#define KS_NAMES_H

#include <stdint.h>

/* "RAM" for 1 (ACPI specification, address range types); never NULL. */
const char *e820_type_name(uint32_t type);

/* "RNG_SEED" for SETUP_RNG_SEED (<asm/bootparam.h>); never NULL. */
const char *setup_type_name(uint32_t type);

#endif
