/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uevent_message.h - what a message of the kernel about its devices says.
 *
 * "ACTION@DEVPATH", then KEY=VALUE, each with a NUL behind it (lib/kobject_uevent.c).
 */
#ifndef KS_UEVENT_MESSAGE_H
#define KS_UEVENT_MESSAGE_H

#include "bytes.h"

/*
 * The kernel's own limit is 2 KiB for the keys (UEVENT_BUFFER_SIZE) and the path in front.
 * A message that is longer is cut, and looked at no further.
 */
#define UEVENT_MESSAGE_MAX 8192 /* bytes */

enum uevent_meaning {
	UEVENT_OTHER,
	UEVENT_FORK,   /* NEW_VMGENID=1 */
	UEVENT_DRIVER, /* a driver of the generation ID has come or gone */
};

/*
 * Any bytes are welcome. A message that somebody has the kernel send by writing into a
 * file uevent of sysfs is UEVENT_OTHER whatever it says: it bears SYNTH_UUID.
 */
enum uevent_meaning uevent_meaning(struct bytes message);

#endif
