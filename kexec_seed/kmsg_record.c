// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/kmsg_record.h"

#include "machine/text.h"

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
