// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as the daemon's configuration and as its state. Accepted values are within
 * their limits; errors name file and line.
 */
#include "kexec_seed/daemon/conf.h"
#include "kexec_seed/daemon/options.h"
#include "kexec_seed/daemon/state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct daemon_options o = { .window_ms = 100,
				    .source.poll_ms = 1000,
				    .reload_timeout = 1 };
	struct daemon_state s;
	struct error err;
	int ret = conf_parse((struct bytes){ data, size }, "conf", daemon_options_set, &o,
			     &err);

	require(!ret || !strncmp(err.text, "conf:", 5));
	require(!(o.source.enabled & ~SOURCE_ALL) && !(o.source.vmgenid_addr % 8));
	require(o.window_ms >= 1 && o.window_ms <= 10000);
	require(o.source.poll_ms >= 10 && o.source.poll_ms <= 3600000 &&
		o.reload_timeout >= 1);
	require(!o.reload || o.reload[0]);
	daemon_options_free(&o);
	if (daemon_state_parse((struct bytes){ data, size }, &s, &err) == 0)
		require(s.nr_sources <= DAEMON_SOURCES_MAX && s.pid <= INT32_MAX);
	return 0;
}
