/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child.h - runs a program beside an sd-event loop, with a time limit.
 *
 * The program gets its own process group, an empty signal mask and /dev/null as stdin; it
 * inherits stdout and stderr. On timeout the whole group gets SIGTERM, and SIGKILL after
 * a grace period.
 */
#ifndef KS_CHILD_H
#define KS_CHILD_H

#include "error.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define CHILD_GRACE_US 3000000ull /* between SIGTERM and SIGKILL */

struct child {
	pid_t pid;		/* 0: not running */
	bool late;		/* the time limit has expired */
	sd_event_source *end;	/* owned */
	sd_event_source *timer; /* owned */
	void *context;
	/*
	 * Called when the program has ended: 0, or a negative errno with the line. May
	 * start another one.
	 */
	void (*done)(void *context, int ret, const struct error *err);
};

/*
 * Starts @words (execvp(3)) with a limit of @seconds. @c is zeroed except for done and
 * context, and must not move while the program runs. Block SIGCHLD in all threads first.
 * 0 or a negative errno with the line; on failure done is not called.
 */
int child_start(struct child *c, sd_event *loop, char *const *words, unsigned int seconds,
		struct error *err);

/* Kills the program and its group if running; done is not called. */
void child_stop(struct child *c);

#endif
