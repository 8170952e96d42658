// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/uevent_message.h"

#include "machine/text.h"

/*
 * A device of ours was bound or set free, one of our modules was loaded or removed, or
 * /dev/vmclock0 has come or gone.
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
