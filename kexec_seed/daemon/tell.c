// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/core.h"

#include "kexec_seed/loop/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define UNLINKED_US 1000000ull
#define LOADED_US   500000ull /* after the last sign of a load */
#define RECIPE_FILE "crash.recipe"

/* Reads all events of inotify(7). True if one of them is for file @name; NULL: any. */
static bool read_events(int fd, const char *name)
{
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *e;
	bool found = false;
	ssize_t size;

	while ((size = read(fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + size; p += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)p;
			found |= !name || (e->mask & IN_Q_OVERFLOW) ||
				 (e->len && !strcmp(e->name, name));
		}
	return found;
}

/* Watches @path for the events of @mask; @w replaces what it was. */
static void watch(struct daemon *d, struct loop_watch *w, const char *path, uint32_t mask,
		  void (*ready)(void *context, uint32_t events))
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	loop_watch_destroy(w);
	if (fd >= 0 && (inotify_add_watch(fd, path, mask) < 0 ||
			loop_watch_open(w, &d->loop, fd, ready, d)))
		close(fd);
}

/*
 * Our lock file was unlinked, or its directory is gone: /run was wiped. The delay avoids
 * interfering with the cleanup.
 */
static void on_unlinked(void *context, uint32_t events)
{
	struct daemon *d = context;

	(void)events;
	if (read_events(d->unlinked.fd, NULL))
		loop_timer_set_in(&d->rewrite_state, UNLINKED_US);
}

/* Unlinking changes the link count, an attribute; the open file itself stays. */
static void watch_lock(struct daemon *d)
{
	char path[64];

	if (d->lock < 0)
		return loop_watch_destroy(&d->unlinked);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", d->lock);
	watch(d, &d->unlinked, path, IN_ATTRIB, on_unlinked);
}

/* A load ends by renaming its recipe, and an unload by removing it. */
static void on_recipe(void *context, uint32_t events)
{
	struct daemon *d = context;

	(void)events;
	if (read_events(d->folder.fd, RECIPE_FILE))
		loop_timer_set_in(&d->loaded, LOADED_US);
}

/* In vain, loads are noticed at the next event; that costs no seed. */
static void watch_folder(struct daemon *d)
{
	watch(d, &d->folder, d->options->run, IN_MOVED_TO | IN_DELETE | IN_ONLYDIR,
	      on_recipe);
}

/* Logs only once that the state cannot be written; the daemon continues. */
static void complain(struct daemon *d, const struct error *err)
{
	if (!d->mute)
		log_line(d->journal, LOG_WARNING, NULL,
			 "%s: status will not show this daemon", err->text);
	d->mute = true;
}

void daemon_save(struct daemon *d)
{
	int lock, before = d->lock;
	struct error err;

	if (d->starting)
		return; /* who reads the state relies on what it says */
	lock = daemon_state_lock(d->options->run, d->lock, &err);
	d->lock = lock < 0 ? -1 : lock;
	if (!d->unlinked.loop || before != d->lock) {
		watch_lock(d);
		watch_folder(d);
	}
	if (lock < 0 || daemon_state_write(d->options->run, &d->state, &err))
		complain(d, &err);
	else
		d->mute = false;
}

static void tell_source(struct daemon *d, const struct source *s,
			struct daemon_source *to)
{
	char state[DAEMON_TEXT_SIZE];

	snprintf(to->name, sizeof(to->name), "%s", fork_source_name(s->kind->id));
	source_describe(s, state, sizeof(state));
	if (!strcmp(state, to->state))
		return;
	memcpy(to->state, state, sizeof(state));
	log_line(d->journal, LOG_INFO,
		 &(struct log_fields){ .source = fork_source_name(s->kind->id) },
		 "source %s: %s", fork_source_name(s->kind->id), state);
}

void daemon_tell_sources(struct daemon *d)
{
	for (size_t i = 0; i < SOURCES; i++)
		tell_source(d, &d->sources.all[i], &d->state.sources[i]);
	d->state.nr_sources = SOURCES;
	if (!sources_hear(&d->sources) && !d->retrying)
		log_line(d->journal, LOG_WARNING, NULL,
			 "no VM fork source available: SIGHUP%s refreshes",
			 d->options->every ? " or the timer" : "");
	daemon_save(d);
}

void daemon_tell_manager(struct daemon *d)
{
	const struct daemon_state *s = &d->state;
	char names[64] = "";

	for (size_t i = 0; i < SOURCES; i++) {
		size_t used = strlen(names);

		if (d->sources.all[i].level == SOURCE_ACTIVE)
			snprintf(names + used, sizeof(names) - used, "%s%s",
				 used ? ", " : "", fork_source_name(i));
	}
	notify_manager("STATUS=Listening to: %s; %" PRIu64 " refreshes, %" PRIu64
		       " failed%s%s",
		       *names ? names : "signals", s->refreshes, s->failures,
		       *s->error ? "; last error: " : "", s->error);
}
