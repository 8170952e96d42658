/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * source.h - the ways to learn of a VM fork, all alike.
 *
 * A source is opened, and from then on calls fork() of its host whenever the machine may
 * have been forked. Nothing ever waits: all of them hang on one sd-event loop.
 */
#ifndef KS_SOURCE_H
#define KS_SOURCE_H

#include "daemon_options.h"

#include <systemd/sd-event.h>

/* How much a source is worth. */
enum source_level {
	SOURCE_INACTIVE, /* it is not there */
	SOURCE_WAITING,	 /* open, but on this machine perhaps nothing will ever come */
	SOURCE_ACTIVE,	 /* a fork will be heard of */
};

/* What the sources are used by. Borrowed, as is all that is in it. */
struct source_host {
	sd_event *loop;
	const struct daemon_options *options;
	void *context;
	/* The machine may have been forked. @generation is hexadecimal; "": not known. */
	void (*fork)(void *context, const char *source, const char *generation);
	/* One may have been missed. */
	void (*missed)(void *context, const char *source);
	/* The sources had better be opened anew, in @seconds, not from within this call. */
	void (*changed)(void *context, unsigned int seconds);
};

struct source {
	const struct source_kind *kind;
	const struct source_host *host;
	enum source_level level;
	char why[128];		/* a word on what is not SOURCE_ACTIVE, for people */
	int fd;			/* owned; -1: none */
	sd_event_source *io;	/* owned; NULL: none */
	sd_event_source *timer; /* owned; NULL: none */
	void *data;		/* of the kind */
};

struct source_kind {
	const char *name;
	unsigned int flag; /* SOURCE_UEVENT ... */
	/*
	 * Sets level and, if it is not SOURCE_ACTIVE, why. When @heard, a source before
	 * this one is active, and one that would have to poll stays inactive. What went
	 * wrong is the source's state, never an error.
	 */
	void (*open)(struct source *s, bool heard);
	void (*close)(struct source *s); /* frees data; NULL: there is none */
};

extern const struct source_kind source_uevent;
extern const struct source_kind source_kmsg;
extern const struct source_kind source_vmclock;
extern const struct source_kind source_genid;

#define SOURCES 4

/* When to have another look: at a driver that comes or goes, and at what has failed. */
#define SOURCE_SOON  1	/* seconds */
#define SOURCE_LATER 60 /* seconds */

/* All of them, best first. */
struct sources {
	struct source all[SOURCES];
};

/* Opens those that the host's options allow. @s is closed, or has never been opened. */
void sources_open(struct sources *s, const struct source_host *host);

/* Closes all; may be called again. */
void sources_close(struct sources *s);

/* True when a fork will be heard of. */
bool sources_hear(const struct sources *s);

/* "active", "waiting: WHY" or "inactive: WHY", into @buf. */
void source_describe(const struct source *s, char *buf, size_t size);

/*
 * For the kinds: the level with its reason; @path below the host's root opened for
 * reading into s->fd (0 or a negative errno); a timer that begins now, calling @fire, which
 * is also set anew with source_wait(); all 0 or a negative errno.
 */
void source_set(struct source *s, enum source_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int source_open_file(struct source *s, const char *path);
int source_add_timer(struct source *s, sd_event_time_handler_t fire);
int source_wait(struct source *s, uint64_t us);

/* A source that has stopped to work: it may have missed a fork, but that was the last. */
void source_fail(struct source *s, const char *why);

/* Bytes as hexadecimal digits; @out holds 2 * size + 1 characters. */
void source_hex(const uint8_t *bytes, size_t size, char *out);

/* True when the kernel's own vmgenid driver has a device below @root. */
bool source_has_driver(const char *root);

#endif
