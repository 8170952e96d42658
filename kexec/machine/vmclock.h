/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmclock.h - VMClock: a page that the hypervisor shares with its guest,
 * <linux/vmclock-abi.h> version 1. Most build machines lack that header, so vmclock.c
 * defines the fields it needs. Pure functions; they accept arbitrary bytes.
 */
#ifndef KS_VMCLOCK_H
#define KS_VMCLOCK_H

#include "bytes.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The driver gives its first device number 0, and a machine has one VMClock. The service may
 * open no other: DeviceAllow= in kexec-seed.service.
 */
#define VMCLOCK_DEVICE "/dev/vmclock0"

#define VMCLOCK_PAGE 4096 /* bytes: what /dev/vmclock* maps, and the most it reads */

struct vmclock_state {
	bool counted;	     /* the hypervisor has the counter: generation is valid */
	bool notifies;	     /* the hypervisor also notifies of changes */
	uint64_t generation; /* changes with each restore of the machine */
};

/*
 * Reads a consistent state from a mapped page (VMCLOCK_PAGE bytes, aligned to 8) that the
 * hypervisor may change at any time. 0; -EBADMSG: not a VMClock of version 1; -EAGAIN:
 * the hypervisor has been updating it for more than a few milliseconds.
 */
int vmclock_read_page(const volatile void *page, struct vmclock_state *out,
		      struct error *err);

/*
 * Parses a copy made by read(2), which the kernel keeps consistent. Otherwise as
 * vmclock_read_page().
 */
int vmclock_read_copy(struct bytes copy, struct vmclock_state *out, struct error *err);

#endif
