// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/daemon.h"

#include <errno.h>

int daemon_run(const struct daemon_options *o, daemon_refresh *refresh, struct error *err)
{
	(void)o, (void)refresh;
	return error_set(
		err, ENOSYS,
		"the daemon is not in this build: it was made without libsystemd");
}
