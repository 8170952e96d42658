/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.h - a progress line on the terminal: "reading /boot/initrd: 312 of 512 MiB".
 *
 * It appears after a second, changes a few times a second and is erased at the end.
 * Without a terminal nothing is written. Every function accepts NULL and then does
 * nothing.
 */
#ifndef KS_PROGRESS_H
#define KS_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

struct progress {
	int fd;		       /* a terminal, borrowed; -1: none */
	uint64_t (*now)(void); /* milliseconds of a clock that never goes back */
	const char *doing;     /* borrowed until progress_end() */
	const char *what;      /* the same */
	uint64_t total;	       /* bytes; 0: unknown */
	atomic_uint_fast64_t done;
	atomic_uint_fast64_t next; /* time of the next update, from now() */
	atomic_uint columns;	   /* columns of the visible line; 0: none */
};

/* Shows progress on @fd, which stays the caller's, if it is a terminal. */
void progress_init(struct progress *p, int fd);

/* Ends the previous line, starts "@doing @what: ". @total is in bytes; 0: unknown. */
void progress_begin(struct progress *p, const char *doing, const char *what,
		    uint64_t total);

/* Adds @bytes to the work done. Several threads may call it at once. */
void progress_add(struct progress *p, uint64_t bytes);

/* Erases the line. */
void progress_end(struct progress *p);

#endif
