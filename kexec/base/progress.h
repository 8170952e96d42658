/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.h - a line on the terminal while something takes long:
 * "reading /boot/initrd: 312 of 512 MiB".
 *
 * It appears after a second, changes a few times a second and is erased at the end. Where
 * there is no terminal nothing is written at all. Every function takes NULL, and is silent
 * then.
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
	uint64_t total;	       /* bytes; 0: not known */
	atomic_uint_fast64_t done;
	atomic_uint_fast64_t next; /* when the line is due */
	atomic_uint columns; /* that the line on the screen takes; 0: there is none */
};

/* Progress is shown on @fd if that is a terminal. */
void progress_init(struct progress *p, int fd);

/* The line will be "@doing @what: ". Whatever the last one was about has ended. */
void progress_begin(struct progress *p, const char *doing, const char *what,
		    uint64_t total);

/* @bytes more are done. May be called by several threads at once. */
void progress_add(struct progress *p, uint64_t bytes);

/* Erases the line. */
void progress_end(struct progress *p);

#endif
