/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon_core.h - the daemon's parts, for its own files and for tests.
 *
 *	daemon.c	 sets up the loop: sources, signals, timers, configuration
 *	daemon_work.c	 from an event to a refresh, and what comes of it
 *	daemon_status.c	 tells the journal, the service manager and `kexec-seed status`
 */
#ifndef KS_DAEMON_CORE_H
#define KS_DAEMON_CORE_H

#include "child.h"
#include "daemon.h"
#include "daemon_options.h"
#include "daemon_state.h"
#include "log.h"
#include "pace.h"
#include "source.h"

struct daemon {
	const struct daemon_options *options; /* borrowed, or &reloaded */
	struct daemon_options reloaded;	      /* owned */
	daemon_refresh *refresh;	      /* refresh_run(), or a test's */
	sd_event *loop;			      /* owned, as are the next ones */
	sd_event_source *due;		      /* the next refresh */
	sd_event_source *every;
	sd_event_source *reopen;   /* another look at the sources */
	sd_event_source *reseeded; /* the kernel's generator has forgotten the snapshot */
	sd_event_source *lost;	   /* our lock may be gone from its folder */
	sd_event_source *restate;
	struct source_host host;
	struct sources sources;
	struct pace pace;
	struct burst burst;
	struct child command;
	struct daemon_state state;
	uint64_t began; /* the refresh at work; microseconds, daemon_now() */
	int lock;	/* owned; -1: none */
	bool journal;
	bool lost_image; /* our last refresh has left no crash kernel */
	bool mute;	 /* the state cannot be written, and that was said */
	bool stopping;	 /* as soon as the command has ended */
};

/* The time that the daemon goes by: CLOCK_BOOTTIME in microseconds. */
uint64_t daemon_now(void);

/*
 * Sets @d up: takes the lock, opens the sources, hangs signals and timers on the loop,
 * and refreshes for the first time. 0 or a negative errno with the line; daemon_close()
 * is due in either case. The caller then runs d->loop. @o is borrowed.
 */
int daemon_open(struct daemon *d, const struct daemon_options *o, daemon_refresh *refresh,
		struct error *err);

void daemon_close(struct daemon *d);

/* The machine may have been forked: @source says so. Refreshes at once if it is time. */
void daemon_event(struct daemon *d, const char *source, const char *generation);

/* Refreshes if that is due, and sets the timer for when it will be. */
void daemon_schedule(struct daemon *d);

/* The command has ended: see child.h. */
void daemon_command_done(void *daemon, int ret, const struct error *err);

/* Writes the state, and makes sure that the lock is where others look. */
void daemon_save(struct daemon *d);

/* Logs which sources there are, puts them into the state, and saves it. */
void daemon_tell_sources(struct daemon *d);

/* For the service manager's status line. */
void daemon_tell_manager(struct daemon *d);

#endif
