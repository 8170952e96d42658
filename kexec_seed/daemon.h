/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.h - `kexec-seed daemon`: a fresh seed for the crash kernel after each VM fork.
 */
#ifndef KS_DAEMON_H
#define KS_DAEMON_H

#include "daemon_options.h"
#include "error.h"
#include "refresh.h"

/* refresh_run(), or what stands in for it in a test. */
typedef int daemon_refresh(const struct refresh_request *req, struct refresh_result *out,
			   struct error *err);

/*
 * Calls @refresh after each event. Runs until SIGTERM or SIGINT, then 0. A refresh that
 * fails does not end it; what keeps it from starting does, with a negative errno and the
 * line: -EBUSY, another one is running; -ENOSYS, this program was built without libsystemd.
 */
int daemon_run(const struct daemon_options *o, daemon_refresh *refresh,
	       struct error *err);

#endif
