/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmgenid_addr.h - evaluates ADDR of a generation ID device without running AML.
 *
 * acpi/vmgenid.h lists the shapes. Anything that is not exactly one of them is refused: a
 * wrong address would make the purgatory read other memory.
 */
#ifndef KS_VMGENID_ADDR_H
#define KS_VMGENID_ADDR_H

#include "acpi/aml.h"
#include "acpi/vmgenid.h"
#include "bytes.h"

struct vmgenid_device {
	struct bytes body;    /* the device's code, in one of the tables */
	enum aml_kind kind;   /* of ADDR: AML_OBJECT or AML_METHOD */
	struct bytes addr;    /* ADDR's value or code */
	unsigned int objects; /* number of objects ADDR in it; must be 1 */
	bool named;	      /* it has the ID of a generation ID device */
	bool conditional;     /* it is declared under a condition */
	bool broken;	      /* part of it is malformed */
};

/*
 * Sets @out->addr and state VMGENID_FOUND; or another state, with the reason in
 * @out->why. @codes holds the code of all @count tables: named constants can be in any of
 * them. Walks them a few times at most.
 */
void vmgenid_addr(const struct vmgenid_device *d, const struct bytes *codes, size_t count,
		  struct vmgenid *out);

/* Counts the occurrences of @what, which is not empty, in @in. */
size_t vmgenid_occurrences(struct bytes in, struct bytes what);

#endif
