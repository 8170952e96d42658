/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * source.h - fork sources: each detects VM forks in one way.
 *
 * An open source calls its host's fork() when the machine may have been forked. Nothing
 * blocks: all sources share one loop.
 */
#ifndef KS_SOURCE_H
#define KS_SOURCE_H

#include "kexec_seed/loop/loop.h"
#include "kexec_seed/sources/table.h"

#include <stdbool.h>

/* How reliable a source is on this machine. */
enum source_level {
	SOURCE_INACTIVE, /* unusable */
	SOURCE_WAITING,	 /* open, but this machine may never trigger it */
	SOURCE_ACTIVE,	 /* a fork will be detected */
};

struct source_kind;

/* The user of the sources; borrowed, with all its pointers. */
struct source_host {
	struct loop *loop;
	const struct source_options *options;
	void *context;
	/*
	 * The machine may have been forked. @generation is hexadecimal; "": unknown. A
	 * source that was SOURCE_WAITING is SOURCE_ACTIVE from now on.
	 */
	void (*fork)(void *context, const struct source_kind *source,
		     const char *generation);
	/* Events were lost: a fork may have been missed. */
	void (*missed)(void *context, const struct source_kind *source);
	/* Requests that all sources be reopened in @seconds, never within this call. */
	void (*changed)(void *context, unsigned int seconds);
};

struct source {
	const struct source_kind *kind;
	const struct source_host *host;
	enum source_level level;
	bool failed;	      /* has failed and was not opened since: to be tried again */
	char why[128];	      /* reason for not being SOURCE_ACTIVE, for people */
	int fd;		      /* owned; -1: none */
	struct loop_watch io; /* of fd; not open: none */
	struct loop_timer timer;
	void *data; /* private to the kind */
};

struct source_kind {
	enum fork_source id;
	/*
	 * Reports a fork only after the kernel has reseeded its RNG. All such sources
	 * report the same fork, so their events count as one.
	 */
	bool after_reseed;
	/*
	 * Sets level and, unless it is SOURCE_ACTIVE, why. @heard: a better source is
	 * active, so polling sources stay inactive. Failures only set the state; they are
	 * not errors.
	 */
	void (*open)(struct source *s, bool heard);
	void (*close)(struct source *s); /* frees data; may be NULL */
};

#define X(name) extern const struct source_kind source_##name;
FORK_SOURCES(X)
#undef X

/* Delay before reopening: after a driver was added or removed, and after a failure. */
#define SOURCE_SOON  1	/* seconds */
#define SOURCE_LATER 60 /* seconds */

/* All sources, in the order of table.h. */
struct sources {
	struct source all[SOURCES];
};

/*
 * Opens the sources that the host's options enable. @s is closed or zeroed. A failed
 * source remains so until it opens, or is not needed.
 */
void sources_open(struct sources *s, const struct source_host *host);

/* Closes all sources; may be repeated. */
void sources_close(struct sources *s);

/* Number of failed sources. */
size_t sources_failed(const struct sources *s);

/* True if at least one source is active. */
bool sources_hear(const struct sources *s);

/* "active", "waiting: WHY" or "inactive: WHY", into @buf. */
void source_describe(const struct source *s, char *buf, size_t size);

/*
 * Helpers for source kinds: set level and reason; open @path below the host's root for
 * reading into s->fd; start a timer that fires at once; let it fire again after the
 * polling interval. All but the first return 0 or a negative errno.
 */
void source_set(struct source *s, enum source_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void source_not_needed(struct source *s); /* a better one is active */
int source_open_file(struct source *s, const char *path);
int source_add_timer(struct source *s, void (*fire)(void *source));
int source_wait(struct source *s);

/* Marks the source as failed; it may have missed a fork. */
void source_fail(struct source *s, const char *why);

/* Formats bytes as hexadecimal digits; @out holds 2 * size + 1 characters. */
void source_hex(const uint8_t *bytes, size_t size, char *out);

#endif
