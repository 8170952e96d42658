/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core.h - the daemon's parts, for its own files and for tests.
 *
 *	daemon.c	sets up the loop: sources, signals, timers, configuration
 *	work.c		runs refreshes on events and handles their results
 *	tell.c		reports to journal, service manager and `kexec-seed status`
 */
#ifndef KS_DAEMON_CORE_H
#define KS_DAEMON_CORE_H

#include "kexec_seed/daemon/child.h"
#include "kexec_seed/daemon/daemon.h"
#include "kexec_seed/daemon/log.h"
#include "kexec_seed/daemon/options.h"
#include "kexec_seed/daemon/ratelimit.h"
#include "kexec_seed/daemon/state.h"
#include "kexec_seed/loop/loop.h"
#include "kexec_seed/sources/source.h"
#include "machine/generation.h"

#include <sys/stat.h>

struct daemon {
	const struct daemon_options *options; /* borrowed; after a reload &reloaded */
	struct daemon_options reloaded;	      /* owned */
	daemon_refresh *refresh;	      /* refresh_run(), or a test's replacement */
	struct loop loop;
	struct loop_watch signals;
	struct loop_timer due; /* of the next refresh */
	struct loop_timer every;
	struct loop_timer reopen;   /* the sources */
	struct loop_timer reseeded; /* the RNG, since the fork */
	struct loop_timer loaded;   /* look at a new recipe */
	struct loop_timer rewrite_state;
	struct loop_timer watchdog; /* tell the service manager */
	uint64_t watchdog_us;	    /* 0: it does not want that */
	struct loop_watch unlinked; /* inotify: our lock file */
	struct loop_watch folder;   /* inotify: recipes come and go */
	struct loop_watch resume;   /* timerfd: the clock was set, or was stopped */
	struct source_host host;
	struct sources sources;
	struct ratelimit ratelimit;
	struct burst burst;
	struct child command;
	struct daemon_state state;
	uint64_t asleep; /* microseconds since boot that the machine was not awake */
	uint64_t began;	 /* start of the current refresh in microseconds, daemon_now() */
	/*
	 * When the reload command last succeeded, and began. Its images have no recipe that
	 * would record it.
	 */
	struct generation reloaded_at, reload_began;
	uint64_t genid_addr; /* of the VM generation ID; 0: unknown */
	struct stat recipe;  /* as our last refresh left it; zeroed: none */
	int lock;	     /* owned; -1: none */
	bool journal;
	bool sure;	 /* the next refresh is for more than a doubt */
	bool began_sure; /* so was the current one */
	bool retrying;	 /* nothing but failed sources has to be reopened */
	bool looked;	 /* genid_addr has been looked for */
	bool told_fresh; /* already logged that the machine was not forked */
	bool lost_image; /* our last refresh left no crash kernel loaded */
	bool is_new;	 /* the next refresh is for an image that was just loaded */
	bool began_new;	 /* so was the current one */
	bool mute;	 /* already logged that the state cannot be written */
	bool starting;	 /* the first refresh is still to come: no state is written */
	bool stopping;	 /* exit once the reload command has ended */
};

/* CLOCK_BOOTTIME in microseconds. */
uint64_t daemon_now(void);

/*
 * Takes the lock, opens the sources, attaches signals and timers to the loop, and runs
 * the first refresh. The caller then runs d->loop. @o is borrowed. 0 or a negative errno
 * with the line; call daemon_close() in either case.
 */
int daemon_open(struct daemon *d, const struct daemon_options *o, daemon_refresh *refresh,
		struct error *err);

void daemon_close(struct daemon *d);

/*
 * Handles an event: @source reports that the machine may have been forked. Refreshes as
 * soon as the rate limit allows.
 */
void daemon_event(struct daemon *d, const char *source, const char *generation);

/*
 * A fork may have been missed, says @source. As daemon_event(), but refreshes only if the
 * hypervisor's generation has changed or cannot be read.
 */
void daemon_doubt(struct daemon *d, const char *source);

/*
 * Another process has replaced or removed the recipe: it has loaded or unloaded an image,
 * or refreshed it. Clears the failures of the image before, and refreshes one that has no
 * seed.
 */
void daemon_loaded(struct daemon *d);

/*
 * Adds an event to the loop: the machine was asleep, or its clock was set. 0 or a negative
 * errno.
 */
int daemon_watch_sleep(struct daemon *d);

/* Handles that event; @asleep: microseconds since boot. */
void daemon_clock_changed(struct daemon *d, uint64_t asleep);

/* Refreshes if due, and sets the timer for the next refresh. */
void daemon_schedule(struct daemon *d);

/* Handles the end of the reload command: @ret and @err as in child.h. */
void daemon_command_done(void *daemon, int ret, const struct error *err);

/* Writes the state file and checks that our lock file is still linked. */
void daemon_save(struct daemon *d);

/* Logs sources whose state changed, and calls daemon_save(). */
void daemon_tell_sources(struct daemon *d);

/* Updates the service manager's status line. */
void daemon_tell_manager(struct daemon *d);

#endif
