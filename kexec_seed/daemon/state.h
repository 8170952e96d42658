/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - the daemon's state, for `kexec-seed status`.
 *
 * daemon.state (0600) has "key=value" lines and is replaced atomically. The daemon holds
 * a lock on daemon.lock beside it while it runs, so that the state of a killed daemon is
 * not mistaken for that of a running one.
 */
#ifndef KS_DAEMON_STATE_H
#define KS_DAEMON_STATE_H

#include "bytes.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

#define DAEMON_SOURCES_MAX 8
#define DAEMON_NAME_SIZE   16
#define DAEMON_TEXT_SIZE   160

struct daemon_source {
	char name[DAEMON_NAME_SIZE];
	char state[DAEMON_TEXT_SIZE]; /* "active", "waiting: WHY" or "inactive: WHY" */
};

struct daemon_state {
	bool running; /* not in the file: true if a daemon holds the lock */
	uint64_t pid;
	uint64_t started; /* seconds of CLOCK_REALTIME, like all times here; 0: never */
	struct daemon_source sources[DAEMON_SOURCES_MAX];
	size_t nr_sources;
	char event_source[DAEMON_NAME_SIZE]; /* source of the last event; "": none yet */
	char event_generation[40];	     /* hexadecimal; "": unknown */
	uint64_t event_time;
	uint64_t events;
	uint64_t refreshes; /* successful refreshes */
	uint64_t failures;
	char error[ERROR_TEXT_MAX]; /* error of the last refresh; "": it succeeded */
};

/*
 * Takes the lock in the directory @dir, created (0700) if missing. Returns a descriptor
 * to keep open; -EBUSY if another daemon holds the lock, otherwise a negative errno, with
 * the line. Pass the descriptor as @held (-1: none) to check that its file is still
 * linked: returns @held, or closes it and returns a new one.
 */
int daemon_state_lock(const char *dir, int held, struct error *err);

/*
 * Replaces the state file in @dir. 0 or a negative errno with the line; on failure the
 * old file stays.
 */
int daemon_state_write(const char *dir, const struct daemon_state *s, struct error *err);

/*
 * Reads the state. 0; -ENOENT: no daemon has run since boot; -EBADMSG: malformed file.
 * @out->running is valid in all three cases.
 */
int daemon_state_read(const char *dir, struct daemon_state *out, struct error *err);

/* Parses the text alone. Unknown keys are skipped. 0 or -EBADMSG. */
int daemon_state_parse(struct bytes text, struct daemon_state *out, struct error *err);

#endif
