/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - facts of a machine that is described by a device tree, as part of struct
 * arch_machine.
 */
#ifndef KS_DT_MACHINE_H
#define KS_DT_MACHINE_H

#include "arch/dt/tree.h"
#include "machine/machine.h"

/* A UART that the purgatory knows. @type 0: none. */
struct dt_uart {
	uint64_t addr;
	uint32_t type; /* PURGATORY_UART_ */
};

/* Bytes of registers that the purgatory uses, of any type. */
#define DT_UART_SIZE 0x20

struct dt_machine {
	struct dt tree; /* of the running kernel; empty: see no_tree */
	int no_tree;	/* the negative errno that kept it from us; 0: it was read */
	bool no_map;	/* hidden: m->ram is empty, and arch_check_machine() says so */
	bool uefi;	/* booted through UEFI: its memory map counts, not the tree's */
	struct dt_uart uart; /* firmware's console */
};

/*
 * Reads the tree below @root, m->ram from @iomem, less what the tree reserves, and the UART.
 * Sets out->no_map if @iomem hides its addresses. m->page_size is set already. 0 or a negative errno with the line; the caller frees
 * out->tree in either case.
 */
int dt_machine_read(const char *root, struct iomem *iomem, struct machine *m,
		    struct dt_machine *out, struct error *err);

/*
 * Sets m->uart to the console that m->tree names (stdout-path), or ACPI's SPCR below @root.
 * What is missing or strange is left unknown. 0 or a negative errno with the line.
 */
int dt_read_uart(const char *root, struct dt_machine *m, struct error *err);

/*
 * Reads the ACPI table @name; *@out is in *@data, which the caller frees, and empty if there
 * is none. 0 or a negative errno with the line.
 */
int dt_read_table(const char *root, const char *name, char **data, struct bytes *out,
		  struct error *err);

/*
 * Calls @take with each word, between @separator, of the first line @name in /proc/cpuinfo
 * below @root: it has what all CPUs have. A missing file or line is no error. 0 or a
 * negative errno with the line.
 */
int dt_read_features(const char *root, const char *name, char separator,
		     void (*take)(struct bytes word, void *context), void *context,
		     struct error *err);

#endif
