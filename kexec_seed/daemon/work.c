// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/core.h"

#include "machine/machine.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t daemon_now(void)
{
	return loop_now(CLOCK_BOOTTIME);
}

static void tell_success(struct daemon *d, const char *method)
{
	const struct log_fields f = {
		.source = d->state.event_source,
		.generation = d->state.event_generation,
		.method = method,
		.duration_us = daemon_now() - d->began,
	};

	d->state.refreshes++;
	d->state.error[0] = '\0';
	log_line(d->journal, LOG_NOTICE, &f,
		 "the crash kernel has a fresh seed (event: %s, %s, %.1f ms)", f.source,
		 method, (double)f.duration_us / 1000);
}

static void on_fresh(void *context, enum refresh_mode mode)
{
	tell_success(context, refresh_mode_name(mode));
}

static void tell_failure(struct daemon *d, const struct log_fields *f, const char *why)
{
	d->state.failures++;
	snprintf(d->state.error, sizeof(d->state.error), "%s", why);
	log_line(d->journal, LOG_ERR, f,
		 "the crash kernel has no fresh seed (event: %s): %s", f->source, why);
}

/*
 * Ends a refresh; its success is already logged. Schedules no retry if a later attempt
 * cannot succeed either.
 */
static void finish(struct daemon *d, int ret, enum refresh_skip_reason skipped,
		   const char *method, const struct error *err)
{
	uint64_t now = daemon_now();
	const struct log_fields f = {
		.source = d->state.event_source,
		.generation = d->state.event_generation,
		.method = method,
		.duration_us = now - d->began,
	};
	bool again = ret && skipped == REFRESH_NOT_SKIPPED;
	bool was_new = d->began_new;

	if (was_new && !(ret && again)) { /* they were failures of the image before */
		d->state.failures = 0;
		d->state.error[0] = '\0';
	}
	d->sure |= again && d->began_sure;
	if (skipped == REFRESH_NOT_FORKED && was_new)
		log_line(d->journal, LOG_INFO, &f, "a crash kernel has been loaded");
	else if (skipped == REFRESH_NOT_FORKED && !d->told_fresh)
		log_line(d->journal, LOG_INFO, &f,
			 "the machine was not forked since the last refresh (event: %s)",
			 f.source);
	d->told_fresh = skipped == REFRESH_NOT_FORKED;
	if (skipped == REFRESH_NOTHING_LOADED || skipped == REFRESH_SEED_OFF) {
		d->state.error[0] = '\0';
		log_line(d->journal, LOG_INFO, &f, "%s (event: %s)",
			 skipped == REFRESH_SEED_OFF ? err->text
						     : "no crash kernel is loaded",
			 f.source);
	} else if (ret) {
		tell_failure(d, &f, err->text);
	}
	ratelimit_end(&d->ratelimit, now, !again);
	if (again)
		log_line(d->journal, LOG_INFO, NULL, "next attempt in %llu s",
			 (unsigned long long)(d->ratelimit.retry_at - now) / 1000000);
	daemon_save(d);
	daemon_tell_manager(d);
}

static void log_note(void *context, const char *line)
{
	struct daemon *d = context;

	log_line(d->journal, LOG_INFO, NULL, "%s", line);
}

/* The address is looked for once: that reads many files. */
static uint64_t find_genid(struct daemon *d)
{
	const struct source_options *o = &d->options->source;
	struct machine m;
	struct error ignored;

	if (o->vmgenid_addr || d->looked)
		return o->vmgenid_addr ? o->vmgenid_addr : d->genid_addr;
	d->looked = true;
	if (machine_read(o->root, &m, &ignored))
		return 0;
	d->genid_addr = m.vmgenid.addr;
	machine_free(&m);
	return d->genid_addr;
}

/*
 * True if the reload command need not run: the machine was not forked since it last
 * succeeded. There is no recipe that would tell.
 */
static bool is_reloaded(struct daemon *d)
{
	enum generation_change change;

	generation_read(d->options->source.root, find_genid(d), &d->reload_began);
	change = generation_compare(&d->reloaded_at, &d->reload_began);
	if (!d->began_sure && !generation_is_known(&d->reload_began))
		ratelimit_hold_doubts(&d->ratelimit, daemon_now(), true);
	return !d->began_sure && change == GENERATION_SAME;
}

/* Failures in a row after which our own image is left to the reload command. */
#define OWN_TRIES 3

/*
 * True if the reload command is to load the crash kernel: an image that is not ours, or
 * one that we cannot load again, because its files have changed (-ESTALE) or are gone, or
 * because we are not permitted to.
 */
static bool needs_command(const struct daemon *d, int ret,
			  enum refresh_skip_reason skipped)
{
	if (!ret || !d->options->reload)
		return false;
	if (skipped != REFRESH_NOT_SKIPPED)
		return skipped == REFRESH_FOREIGN;
	return ret == -ESTALE || ret == -ENOENT || ret == -EPERM || ret == -EACCES ||
	       d->ratelimit.failures + 1 >= OWN_TRIES;
}

/* Identifies the recipe; zeroed: there is none. */
static void read_recipe(const struct daemon *d, struct stat *out)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/crash.recipe", d->options->run);
	if (lstat(path, out) < 0)
		*out = (struct stat){ 0 };
}

static bool is_same_recipe(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void refresh(struct daemon *d)
{
	const struct refresh_request req = {
		.dir = d->options->run,
		.source = d->state.event_source,
		.seconds = 10,
		.if_forked = !d->sure,
		.if_lacking = d->is_new && !d->sure,
		.restore = d->lost_image,
		.fresh = on_fresh,
		.context = d,
	};
	struct refresh_result result = { .mode = REFRESH_NONE };
	struct error err = { "" };
	int ret;

	ratelimit_begin(&d->ratelimit);
	d->began_sure = d->sure;
	d->began_new = d->is_new;
	d->sure = d->is_new = false;
	d->began = daemon_now();
	ret = d->refresh(&req, &result, &err);
	read_recipe(d, &d->recipe);
	/*
	 * events during the refresh are delivered only now: they may report the same fork
	 */
	d->burst.began += daemon_now() - d->began;
	d->lost_image = result.unloaded;
	notes_each(&result.notes, log_note, d);
	notes_free(&result.notes);
	if (result.blind)
		ratelimit_hold_doubts(&d->ratelimit, daemon_now(),
				      result.mode != REFRESH_DYNAMIC);
	if (needs_command(d, ret, result.skipped)) {
		bool reloaded = is_reloaded(d);

		if (result.skipped != REFRESH_FOREIGN)
			log_line(d->journal, LOG_INFO, NULL,
				 "%s: running the reload command", err.text);
		else if (reloaded)
			return finish(d, 0, REFRESH_NOT_FORKED, "none", &err);
		ret = child_start(&d->command, &d->loop, d->options->reload,
				  d->options->reload_timeout, &err);
		if (!ret)
			return; /* daemon_command_done() will be called */
		result.skipped = REFRESH_NOT_SKIPPED;
	}
	finish(d, ret, result.skipped, refresh_mode_name(result.mode), &err);
}

void daemon_command_done(void *daemon, int ret, const struct error *err)
{
	static const char method[] = "command";
	struct daemon *d = daemon;

	if (!ret) {
		d->reloaded_at = d->reload_began;
		tell_success(d, method);
	}
	finish(d, ret, REFRESH_NOT_SKIPPED, method, err);
	if (d->stopping)
		loop_end(&d->loop);
	else
		daemon_schedule(d);
}

void daemon_schedule(struct daemon *d)
{
	uint64_t at, now = daemon_now();

	if (ratelimit_due(&d->ratelimit, &at) && at <= now && !d->stopping)
		refresh(d);
	if (!ratelimit_due(&d->ratelimit, &at)) {
		loop_timer_stop(&d->due);
		return;
	}
	loop_timer_set(&d->due, at);
}

static void note_event(struct daemon *d, const char *source, const char *generation)
{
	struct daemon_state *s = &d->state;

	snprintf(s->event_source, sizeof(s->event_source), "%s", source);
	snprintf(s->event_generation, sizeof(s->event_generation), "%s", generation);
	s->event_time = (uint64_t)time(NULL);
}

void daemon_event(struct daemon *d, const char *source, const char *generation)
{
	note_event(d, source, generation);
	d->state.events++;
	d->sure = true;
	ratelimit_event(&d->ratelimit, daemon_now());
	daemon_schedule(d);
}

void daemon_doubt(struct daemon *d, const char *source)
{
	if (!d->sure) /* else that event is the reason */
		note_event(d, source, "");
	d->state.events++;
	ratelimit_doubt(&d->ratelimit, daemon_now());
	daemon_schedule(d);
}

void daemon_loaded(struct daemon *d)
{
	struct stat now;

	read_recipe(d, &now);
	/* our own doing, or that of our reload command, which has an end of its own */
	if (is_same_recipe(&now, &d->recipe) || d->command.pid)
		return;
	d->is_new = true;
	if (!d->ratelimit.pending) /* no event since: its seed is drawn after the last */
		d->sure = false;
	if (!d->sure)
		note_event(d, "load", "");
	d->state.events++;
	ratelimit_event(&d->ratelimit, daemon_now());
	daemon_schedule(d);
}
