/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child.h - runs a program beside an event loop, with a time limit.
 *
 * The program gets its own process group, an empty signal mask and /dev/null as stdin; it
 * inherits stdout and stderr. On timeout the whole group gets SIGTERM, and SIGKILL after
 * a grace period.
 */
#ifndef KS_CHILD_H
#define KS_CHILD_H

#include "error.h"
#include "kexec_seed/loop/loop.h"

#include <stdbool.h>
#include <sys/types.h>

#define CHILD_GRACE_US 3000000ull /* between SIGTERM and SIGKILL */

struct child {
	pid_t pid;	       /* 0: not running */
	bool late;	       /* the time limit has expired */
	struct loop_watch end; /* its process descriptor */
	struct loop_timer timer;
	void *context;
	/*
	 * Called when the program has ended: 0, or a negative errno with the line. May
	 * start another one.
	 */
	void (*done)(void *context, int ret, const struct error *err);
};

/*
 * Starts @words (execvp(3)) with a limit of @seconds. @c is zeroed except for done and
 * context, and must not move while the program runs. 0 or a negative errno with the
 * line; on failure done is not called.
 */
int child_start(struct child *c, struct loop *loop, char *const *words,
		unsigned int seconds, struct error *err);

/* Kills the program and its group if running; done is not called. */
void child_stop(struct child *c);

#endif
