// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/sources/parse.h"

#include "base/text.h"

#define FORK_TEXT "random: crng reseeded due to virtual machine fork"

#define FACILITY_SHIFT 3

bool kmsg_tells_fork(struct bytes record)
{
	struct bytes header, prefix, text;
	uint32_t priority;

	if (!text_cut(&record, ';', &header) || !text_cut(&record, '\n', &text))
		return false;
	if (!text_cut(&header, ',', &prefix) || !text_decimal(prefix, &priority))
		return false;
	if (priority >> FACILITY_SHIFT)
		return false;
	return text_equals(text, FORK_TEXT);
}

/*
 * Matches events after which sources must be reopened: a generation ID device was bound
 * or unbound, a driver module loaded or removed, /dev/vmclock* added or removed.
 */
static bool is_driver_word(struct bytes word)
{
	return text_equals(word, "DRIVER=vmgenid") ||
	       text_equals(word, "DEVPATH=/module/vmgenid") ||
	       text_equals(word, "DEVPATH=/module/vmgenid_uevent") ||
	       text_starts(word, "DEVNAME=vmclock", NULL);
}

enum uevent_meaning uevent_meaning(struct bytes message)
{
	bool fork = false, change = false, driver = false;
	struct bytes head, word;

	if (!text_cut(&message, '\0', &head))
		return UEVENT_OTHER;
	while (text_cut(&message, '\0', &word)) {
		if (text_starts(word, "SYNTH_UUID=", NULL))
			return UEVENT_OTHER;
		change |= text_equals(word, "ACTION=change");
		fork |= text_equals(word, "NEW_VMGENID=1");
		driver |= is_driver_word(word);
	}
	if (fork && change)
		return UEVENT_FORK;
	return driver ? UEVENT_DRIVER : UEVENT_OTHER;
}
