/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addons.h - addons of a UKI: small PE files with more of its command line and initrd, in
 * the folder NAME.extra.d beside the UKI NAME (systemd-stub(7)).
 */
#ifndef KS_ADDONS_H
#define KS_ADDONS_H

#include "image/uki.h"

struct addon {
	struct file file; /* owned */
	struct uki parts;
};

struct addons {
	struct addon *items; /* owned; in the order of their names' bytes */
	size_t count;
};

/*
 * Opens the addons of the UKI @f with the parts @uki. Adds a note for each addon that is
 * not used, as systemd-stub does not use it, and for other files in the folder. 0 or a
 * negative errno with the line; on failure nothing is left to free.
 */
int addons_open(const struct file *f, const struct uki *uki, struct addons *out,
		struct notes *notes, struct error *err);

void addons_close(struct addons *addons);

#endif
