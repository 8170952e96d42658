/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.h - `kexec-seed daemon`: reseeds the crash kernel after each VM fork.
 */
#ifndef KS_DAEMON_H
#define KS_DAEMON_H

#include "error.h"
#include "kexec_seed/daemon/options.h"
#include "kexec_seed/refresh.h"

/* refresh_run(), or a test's replacement. */
typedef int daemon_refresh(const struct refresh_request *req, struct refresh_result *out,
			   struct error *err);

/*
 * Runs until SIGTERM or SIGINT, then returns 0; calls @refresh for each event. A failed
 * refresh does not end it. A negative errno with the line if it cannot start: -EBUSY,
 * another daemon is running.
 */
int daemon_run(const struct daemon_options *o, daemon_refresh *refresh,
	       struct error *err);

#endif
