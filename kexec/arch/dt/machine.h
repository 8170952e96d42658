/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - facts of a machine that is described by a device tree, as part of struct
 * arch_machine.
 */
#ifndef KS_DT_MACHINE_H
#define KS_DT_MACHINE_H

#include "arch/dt/tree.h"
#include "machine/machine.h"

struct dt_machine {
	struct dt tree; /* of the running kernel; empty: see no_tree */
	int no_tree;	/* the negative errno that kept it from us; 0: it was read */
	bool uefi;	/* booted through UEFI: its memory map counts, not the tree's */
};

/*
 * Reads the tree below @root, and m->ram from @iomem, less what the tree reserves.
 * m->page_size is set already. 0 or a negative errno with the line; the caller frees
 * out->tree in either case.
 */
int dt_machine_read(const char *root, struct iomem *iomem, struct machine *m,
		    struct dt_machine *out, struct error *err);

/*
 * Calls @take with each word, between @separator, of the first line @name in /proc/cpuinfo
 * below @root: it has what all CPUs have. A missing file or line is no error. 0 or a
 * negative errno with the line.
 */
int dt_read_features(const char *root, const char *name, char separator,
		     void (*take)(struct bytes word, void *context), void *context,
		     struct error *err);

#endif
