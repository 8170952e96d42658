/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acpi_tables.h - the ACPI tables with code, from /sys/firmware/acpi/tables.
 */
#ifndef KS_ACPI_TABLES_H
#define KS_ACPI_TABLES_H

#include "acpi/vmgenid.h"
#include "machine/phys_mem.h"

/*
 * Calls vmgenid_find() for the tables below @mem->root. Never fails: an obstacle becomes a
 * state of @out.
 */
void acpi_tables_find_vmgenid(const struct phys_mem *mem, struct vmgenid *out);

#endif
