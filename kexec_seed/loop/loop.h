/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.h - the daemon's event loop: descriptors and timers, over epoll(7) and timerfd.
 *
 * The daemon draws seeds, so it maps the C library alone: no libsystemd, which brings others.
 * Watches and timers are parts of their owner's structs, must not move while they are open,
 * and may be closed by any handler, also by their own.
 */
#ifndef KS_LOOP_H
#define KS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <time.h>

struct loop {
	int fd; /* owned; -1: not open */
	bool ended;
};

/* Functions return 0 or a negative errno unless they say more. */
int loop_open(struct loop *l);
void loop_close(struct loop *l);

/*
 * Waits up to @ms milliseconds (-1: for ever) for one event and handles it. 1: handled; 0:
 * none came.
 */
int loop_step(struct loop *l, int ms);

/* Handles events until loop_end(). */
int loop_run(struct loop *l);
void loop_end(struct loop *l);

/* A descriptor. Zeroed: not open. */
struct loop_watch {
	struct loop *loop; /* NULL: not open */
	int fd;		   /* borrowed */
	bool on;
	/* @events: EPOLLIN, EPOLLHUP, EPOLLERR */
	void (*ready)(void *context, uint32_t events);
	void *context;
};

/* Watches @fd for input. -EPERM: a file that epoll_ctl(2) does not take. */
int loop_watch_open(struct loop_watch *w, struct loop *l, int fd,
		    void (*ready)(void *context, uint32_t events), void *context);

/* Pauses it, or lets it go on; nothing if it is not open. */
int loop_watch_enable(struct loop_watch *w, bool on);

/* Ends it, which may be repeated. The descriptor stays open. */
void loop_watch_close(struct loop_watch *w);

/* The same, and closes the descriptor. */
void loop_watch_destroy(struct loop_watch *w);

/* A timer. Zeroed: not open. */
struct loop_timer {
	struct loop_watch watch;
	clockid_t clock;
	uint64_t at; /* when it fires, microseconds of @clock; 0: it is not set */
	void (*fire)(void *context);
	void *context;
};

/* Opens a timer on CLOCK_BOOTTIME or CLOCK_MONOTONIC, which is not set. */
int loop_timer_open(struct loop_timer *t, struct loop *l, clockid_t clock,
		    void (*fire)(void *context), void *context);

/* Lets it fire once, at a time or in @us microseconds. */
int loop_timer_set(struct loop_timer *t, uint64_t at);
int loop_timer_set_in(struct loop_timer *t, uint64_t us);

/* Unsets it; nothing if it is not open. */
void loop_timer_stop(struct loop_timer *t);

void loop_timer_close(struct loop_timer *t);

/* Microseconds of a clock. */
uint64_t loop_now(clockid_t clock);

#endif
