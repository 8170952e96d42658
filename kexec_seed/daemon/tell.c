// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>

#define UNLINKED_US 1000000ull
#define LOADED_US   500000ull /* after the last sign of a load */
#define RECIPE_FILE "crash.recipe"

/*
 * Our lock file was unlinked, or its directory is gone: /run was wiped. The delay avoids
 * interfering with the cleanup.
 */
static int on_unlinked(sd_event_source *source, const struct inotify_event *event,
		       void *context)
{
	struct daemon *d = context;

	(void)source;
	(void)event;
	sd_event_source_set_time_relative(d->rewrite_state, UNLINKED_US);
	return sd_event_source_set_enabled(d->rewrite_state, SD_EVENT_ONESHOT);
}

/* Unlinking changes the link count, an attribute; the open file itself stays. */
static void watch_lock(struct daemon *d)
{
	char path[64];

	d->unlinked = sd_event_source_disable_unref(d->unlinked);
	if (d->lock < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", d->lock);
	sd_event_add_inotify(d->loop, &d->unlinked, path, IN_ATTRIB, on_unlinked, d);
}

/* A load ends by renaming its recipe, and an unload by removing it. */
static int on_recipe(sd_event_source *source, const struct inotify_event *event,
		     void *context)
{
	struct daemon *d = context;

	(void)source;
	if (!(event->mask & IN_Q_OVERFLOW) &&
	    (!event->len || strcmp(event->name, RECIPE_FILE) != 0))
		return 0;
	sd_event_source_set_time_relative(d->loaded, LOADED_US);
	return sd_event_source_set_enabled(d->loaded, SD_EVENT_ONESHOT);
}

/* In vain, loads are noticed at the next event; that costs no seed. */
static void watch_folder(struct daemon *d)
{
	d->folder = sd_event_source_disable_unref(d->folder);
	sd_event_add_inotify(d->loop, &d->folder, d->options->run,
			     IN_MOVED_TO | IN_DELETE | IN_ONLYDIR, on_recipe, d);
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
	if (!d->unlinked || before != d->lock) {
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
	sd_notifyf(0,
		   "STATUS=Listening to: %s; %" PRIu64 " refreshes, %" PRIu64
		   " failed%s%s",
		   *names ? names : "signals", s->refreshes, s->failures,
		   *s->error ? "; last error: " : "", s->error);
}
