/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h - parses the input of fork sources. Pure functions; they accept arbitrary
 * bytes.
 */
#ifndef KS_PARSE_H
#define KS_PARSE_H

#include "bytes.h"
#include "error.h"

/*
 * Records of /dev/kmsg: "PREFIX,SEQUENCE,TIME,FLAGS[,MORE...];TEXT\n", then properties on
 * indented lines (Documentation/ABI/testing/dev-kmsg). PREFIX is 8 * facility + level.
 * The kernel never assigns its own facility, 0, to records of processes
 * (devkmsg_write()).
 */
#define KMSG_RECORD_MAX 16384 /* bytes; kernels before v6.3 return a little over 8 KiB */

/*
 * True if the kernel itself wrote @record, to report that it reseeded its RNG after a VM
 * fork (add_vmfork_randomness() in drivers/char/random.c).
 */
bool kmsg_tells_fork(struct bytes record);

/*
 * Uevents: "ACTION@DEVPATH", then KEY=VALUE, each NUL-terminated (lib/kobject_uevent.c).
 * The kernel limits keys to 2 KiB (UEVENT_BUFFER_SIZE) plus the path; longer messages are
 * ignored.
 */
#define UEVENT_MESSAGE_MAX 8192 /* bytes */

enum uevent_meaning {
	UEVENT_OTHER,
	UEVENT_FORK,   /* NEW_VMGENID=1 */
	UEVENT_DRIVER, /* a driver of the generation ID was added or removed */
};

/* Messages triggered through a uevent file carry SYNTH_UUID: they are UEVENT_OTHER. */
enum uevent_meaning uevent_meaning(struct bytes message);

#endif
