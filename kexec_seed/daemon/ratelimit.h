/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ratelimit.h - schedules refreshes, given the times of events and the results of
 * refreshes.
 *
 * - The first event after a quiet period triggers a refresh at once.
 * - Events during a refresh, or within the window after it, trigger one more refresh at
 *   the end of the window. While events keep arriving the window doubles, up to
 *   RATELIMIT_WINDOWS_MAX times its size: a flood costs a handful of refreshes, and a
 *   refresh always follows the last event.
 * - A failed refresh is retried after 1 s, 2 s, 4 s, ... 5 min. An event in between
 *   triggers a refresh at once.
 *
 * - A doubt, such as lost events, is an event, but where nothing shows whether the machine
 *   was forked, doubts cause only one refresh in RATELIMIT_DOUBT_US, or in
 *   RATELIMIT_DOUBT_FULL_US if that loads all of the image.
 *
 * Pure functions: the caller passes times in microseconds of any monotonic clock.
 */
#ifndef KS_RATELIMIT_H
#define KS_RATELIMIT_H

#include "kexec_seed/sources/table.h"

#include <stdbool.h>
#include <stdint.h>

#define RATELIMIT_WINDOWS_MAX  16
#define RATELIMIT_RETRY_MIN_US 1000000ull
#define RATELIMIT_RETRY_MAX_US 300000000ull

#define RATELIMIT_DOUBT_US	60000000ull
#define RATELIMIT_DOUBT_FULL_US 600000000ull

struct ratelimit {
	uint64_t window;       /* as configured */
	uint64_t hold;	       /* length of the window after the next refresh */
	uint64_t hold_until;   /* no refresh before this time */
	uint64_t retry_at;     /* time of the next retry; 0: none */
	unsigned int failures; /* consecutive failures */
	uint64_t doubt_until;  /* no refresh for a doubt alone before this time */
	bool pending;	       /* an event not yet covered by a refresh */
	bool doubt;	       /* the same for a doubt */
	bool busy;	       /* a refresh is running */
};

/* Events of each source since @began, and the number of forks they imply. */
struct burst {
	uint64_t began;
	uint64_t forks;
	uint64_t heard[SOURCES];
};

/*
 * Several sources report the same fork, one after another. True if, within @window, no
 * source has reported more events than forks are known: this event is not a new fork.
 */
bool burst_is_echo(struct burst *b, enum fork_source source, uint64_t now,
		   uint64_t window);

static inline struct ratelimit ratelimit_make(uint64_t window)
{
	return (struct ratelimit){ .window = window, .hold = window };
}

void ratelimit_event(struct ratelimit *p, uint64_t now);

void ratelimit_doubt(struct ratelimit *p, uint64_t now);

/* A refresh for a doubt could not tell whether the machine was forked; @full: see above. */
void ratelimit_hold_doubts(struct ratelimit *p, uint64_t now, bool full);

/* True if a refresh is scheduled, with its time in *@at; false while one is running. */
bool ratelimit_due(const struct ratelimit *p, uint64_t *at);

/* Call when a refresh begins: it covers all events so far. */
void ratelimit_begin(struct ratelimit *p);

/* Call when the refresh has ended; @well: it succeeded. */
void ratelimit_end(struct ratelimit *p, uint64_t now, bool well);

#endif
