/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon_state.h - what the daemon tells `kexec-seed status`.
 *
 * A file of "key=value" lines, daemon.state, replaced as a whole, 0600; and beside it
 * daemon.lock, which the daemon holds locked as long as it lives, so that a state left
 * behind by a daemon that was killed is not taken for a running one.
 */
#ifndef KS_DAEMON_STATE_H
#define KS_DAEMON_STATE_H

#include "bytes.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define DAEMON_RUN "/run/kexec-seed"

#define DAEMON_SOURCES_MAX 8
#define DAEMON_NAME_SIZE   16
#define DAEMON_TEXT_SIZE   160

struct daemon_source {
	char name[DAEMON_NAME_SIZE];
	char state[DAEMON_TEXT_SIZE]; /* "active", "waiting: WHY" or "inactive: WHY" */
};

struct daemon_state {
	bool running; /* not in the file: somebody holds the lock */
	int32_t pid;
	time_t started; /* CLOCK_REALTIME, as all times here; 0: never */
	struct daemon_source sources[DAEMON_SOURCES_MAX];
	size_t nr_sources;
	char event_source[DAEMON_NAME_SIZE]; /* of the last event; "": none so far */
	char event_generation[40]; /* hexadecimal; "": the source does not tell */
	time_t event_time;
	uint64_t events;
	uint64_t refreshes; /* that went well */
	uint64_t failures;
	char error[ERROR_TEXT_MAX]; /* of the last refresh; "": it went well */
};

/*
 * Takes the lock in the folder @dir, which is made (0700) when it is not there. Returns a
 * descriptor to keep open; -EBUSY when another daemon has the lock, else a negative errno,
 * with the line. May be called again to see that the lock @held (-1: none) is still the
 * one that others look at, and returns it or a new one; @held is closed when it is not.
 */
int daemon_state_lock(const char *dir, int held, struct error *err);

/* Writes the file in @dir. 0 or a negative errno with the line; the old one then stays. */
int daemon_state_write(const char *dir, const struct daemon_state *s, struct error *err);

/*
 * Reads it. 0; -ENOENT: no daemon has been here since the machine started; -EBADMSG for a
 * file that makes no sense. @out->running is right in each of these cases.
 */
int daemon_state_read(const char *dir, struct daemon_state *out, struct error *err);

/* The text alone. Unknown keys are skipped. 0 or -EBADMSG. */
int daemon_state_parse(struct bytes text, struct daemon_state *out, struct error *err);

#endif
