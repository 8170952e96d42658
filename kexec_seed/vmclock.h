/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmclock.h - the page that a hypervisor with VMClock shares with its guest.
 *
 * The layout is the kernel's ABI, <linux/vmclock-abi.h>, version 1. What is needed of it
 * is spelled out in vmclock.c: the header is younger than most build machines.
 */
#ifndef KS_VMCLOCK_H
#define KS_VMCLOCK_H

#include "bytes.h"
#include "error.h"

#define VMCLOCK_PAGE 4096 /* bytes: what /dev/vmclock* maps, and the most it reads */

struct vmclock_state {
	bool counted;	     /* the hypervisor counts: generation means something */
	bool notifies;	     /* and it says when the page has changed */
	uint64_t generation; /* another value after each restore of the machine */
};

/*
 * Reads a page that is mapped (@page, VMCLOCK_PAGE bytes, aligned to 8), which the
 * hypervisor may change at any time: what comes out is of one moment. 0; -EBADMSG for
 * what is no VMClock of version 1; -EAGAIN when the hypervisor is at work on it for
 * longer than a few milliseconds.
 */
int vmclock_read_page(const volatile void *page, struct vmclock_state *out,
		      struct error *err);

/* The same for a copy that read(2) has made, which the kernel keeps whole. */
int vmclock_read_copy(struct bytes copy, struct vmclock_state *out, struct error *err);

#endif
