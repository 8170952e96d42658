/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmsg_record.h - what a record of the kernel log says about a VM fork.
 *
 * A record of /dev/kmsg is "PREFIX,SEQUENCE,TIME,FLAGS[,MORE...];TEXT\n", then lines with
 * a blank in front, which are properties (Documentation/ABI/testing/dev-kmsg). PREFIX is
 * 8 * facility + level. The kernel never gives facility 0, its own, to what a process has
 * written into the log (devkmsg_write() in kernel/printk/printk.c).
 */
#ifndef KS_KMSG_RECORD_H
#define KS_KMSG_RECORD_H

#include "bytes.h"

/* The longest record that a kernel hands out is a little over 8 KiB (before v6.3). */
#define KMSG_RECORD_MAX 16384 /* bytes */

/*
 * True when @record is the kernel's own and says that it has reseeded its RNG because of
 * a VM fork (add_vmfork_randomness() in drivers/char/random.c). Any bytes are welcome.
 */
bool kmsg_tells_fork(struct bytes record);

#endif
