/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child.h - runs a program beside an sd-event loop, with a time limit.
 *
 * In a process group of its own, with an empty signal mask, stdin from /dev/null; stdout
 * and stderr are ours. When its time is up the whole group is told to end (SIGTERM), and
 * a little later made to (SIGKILL).
 */
#ifndef KS_CHILD_H
#define KS_CHILD_H

#include "error.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define CHILD_GRACE_US 3000000ull /* between SIGTERM and SIGKILL */

struct child {
	pid_t pid;		/* 0: none is running */
	bool late;		/* its time was up */
	sd_event_source *end;	/* owned */
	sd_event_source *timer; /* owned */
	void *context;
	/* It has ended: 0, or a negative errno with the line. Starting another is fine. */
	void (*done)(void *context, int ret, const struct error *err);
};

/*
 * Starts @words (execvp(3)). @c is zeroed but for done and context, and must not move.
 * SIGCHLD has to be blocked in the whole program. 0 or a negative errno with the line;
 * done is not called then.
 */
int child_start(struct child *c, sd_event *loop, char *const *words, unsigned int seconds,
		struct error *err);

/* Ends it by force, if it runs; done is not called. */
void child_stop(struct child *c);

#endif
