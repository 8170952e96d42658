/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pace.h - when to refresh, given when events come and how refreshes end.
 *
 * - The first event after a quiet time is acted upon at once.
 * - What comes while a refresh is at work, or within the window after it, is one more
 *   refresh, at the end of the window. As long as events keep coming, the window doubles,
 *   up to PACE_WINDOWS_MAX times its size: a flood costs a handful of refreshes, and the
 *   last one comes after the last event.
 * - A refresh that fails is tried again after 1 s, 2 s, 4 s, ... 5 min. An event in the
 *   meantime is a reason to try at once.
 *
 * Pure: the times are the caller's, in microseconds of any clock that does not go back.
 */
#ifndef KS_PACE_H
#define KS_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_WINDOWS_MAX  16
#define PACE_RETRY_MIN_US 1000000ull
#define PACE_RETRY_MAX_US 300000000ull

struct pace {
	uint64_t window;       /* as configured */
	uint64_t hold;	       /* the window after the next refresh */
	uint64_t hold_until;   /* no refresh before */
	uint64_t retry_at;     /* 0: nothing to try again */
	unsigned int failures; /* in a row */
	bool pending;	       /* something has happened that no refresh knows of */
	bool busy;	       /* a refresh is at work */
};

#define PACE_SOURCES 2 /* the kernel log and uevents: both come after the reseed */

/* How often each source was heard since @began, and how many forks that must have been. */
struct burst {
	uint64_t began;
	uint64_t forks;
	uint64_t heard[PACE_SOURCES];
};

/*
 * One fork is heard by several sources, one after the other. As long as, within @window,
 * none of them has been heard more often than there were forks, nothing new has happened:
 * true. @source is below PACE_SOURCES.
 */
bool burst_is_echo(struct burst *b, unsigned int source, uint64_t now, uint64_t window);

static inline struct pace pace_make(uint64_t window)
{
	return (struct pace){ .window = window, .hold = window };
}

void pace_event(struct pace *p, uint64_t now);

/* True when there is a refresh to come, and then when; false while one is at work. */
bool pace_due(const struct pace *p, uint64_t *at);

/* A refresh begins: it covers every event so far. */
void pace_begin(struct pace *p);

/* It has ended, well or not. */
void pace_end(struct pace *p, uint64_t now, bool well);

#endif
