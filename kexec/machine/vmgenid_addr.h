/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmgenid_addr.h - the value of a generation ID device's ADDR, where it can be read off.
 *
 * machine/vmgenid.h tells the shapes. Whatever is not exactly one of them is left alone:
 * a wrong address would make the purgatory read something else.
 */
#ifndef KS_VMGENID_ADDR_H
#define KS_VMGENID_ADDR_H

#include "bytes.h"
#include "machine/aml.h"
#include "machine/facts.h"

struct vmgenid_device {
	struct bytes body;    /* of the device, in one of the tables */
	enum aml_kind kind;   /* of ADDR: AML_OBJECT or AML_METHOD */
	struct bytes addr;    /* ADDR's value or code */
	unsigned int objects; /* how many objects ADDR it has; 1 is right */
	bool named;	      /* it has the name of a generation ID */
	bool conditional;     /* it depends on something whether the device is there */
	bool broken;	      /* a part of it makes no sense */
};

/*
 * The address into @out->addr, with @out->state VMGENID_FOUND; or the state and a word on
 * it. @codes are those of all tables: named constants can be in any of them. Goes over
 * them a few times at most.
 */
void vmgenid_addr(const struct vmgenid_device *d, const struct bytes *codes, size_t count,
		  struct vmgenid_facts *out);

/* How often @what, which is not empty, occurs in @in. */
size_t vmgenid_occurrences(struct bytes in, struct bytes what);

#endif
