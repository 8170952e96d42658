// SPDX-License-Identifier: GPL-2.0-only
/* `kexec-seed daemon`, as a subcommand. */
#include "kexec_seed/daemon/daemon.h"
#include "kexec_seed/subcommand.h"

#include <errno.h>
#include <unistd.h>

int command_daemon(int argc, char **argv, struct error *err)
{
	struct daemon_options o;
	int ret = daemon_options_parse(argc, argv, &o, err);

	if (ret)
		return ret == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	if (o.help) {
		puts("Usage: kexec-seed daemon [OPTION]...\n"
		     "Refresh the seed of the crash kernel after each VM fork.\n");
		daemon_options_print(stdout);
	} else if (geteuid() != 0) { /* without root it would retry forever */
		ret = error_set(err, EPERM, "daemon: not permitted: this needs root");
	} else {
		ret = daemon_run(&o, refresh_run, err);
	}
	daemon_options_free(&o);
	return ret ? EXIT_FAILED : EXIT_DONE;
}
