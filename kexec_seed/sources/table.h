/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - the fork sources, best first. Sources that may have to poll come last: they
 * do so only if no better one is active.
 *
 * The only list: sources.c, options, messages and tests are derived from it. Each NAME
 * has a file here that defines source_NAME.
 */
#ifndef KS_SOURCE_TABLE_H
#define KS_SOURCE_TABLE_H

#include <stdint.h>

#define FORK_SOURCES(X) X(uevent) X(kmsg) X(vmclock) X(genid)

enum fork_source {
#define X(name) SOURCE_##name,
	FORK_SOURCES(X)
#undef X
		SOURCES
};

#define SOURCE_ALL ((1u << SOURCES) - 1) /* a bit for each */

struct source_options {
	unsigned int enabled;  /* a bit for each fork_source to use */
	uint32_t poll_ms;      /* between two polls */
	uint64_t vmgenid_addr; /* physical; 0: as firmware says */
	const char *root;      /* of /dev, /proc and /sys: "", but for tests */
};

static inline const char *fork_source_name(enum fork_source source)
{
	static const char *const names[SOURCES] = {
#define X(name) #name,
		FORK_SOURCES(X)
#undef X
	};

	return names[source];
}

#endif
