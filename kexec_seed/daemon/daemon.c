// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/daemon.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kexec_seed/daemon/core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define SECOND_US UINT64_C(1000000)

/*
 * A kernel that has not noticed the fork reseeds its RNG once a minute
 * (CRNG_RESEED_INTERVAL in drivers/char/random.c). Unless rng_force_reseed() succeeds,
 * all clones draw the same bytes until then; refresh again after that time.
 */
#define RESEED_US (65 * SECOND_US)

/* Feeds the RNG data that distinguishes clones, for its next reseed. */
static void feed_rng(const char *generation)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) /* on failure the timer remains */
		file_write_all(fd, generation, strlen(generation));
}

/* A source that was waiting for a sign of life has given it. */
static void mark_active(struct daemon *d, struct source *s)
{
	if (s->level == SOURCE_ACTIVE)
		return;
	s->level = SOURCE_ACTIVE;
	daemon_tell_sources(d);
	daemon_tell_manager(d);
}

static void on_fork(void *context, const struct source_kind *source,
		    const char *generation)
{
	struct daemon *d = context;

	if (source->after_reseed) {
		sd_event_source_set_enabled(d->reseeded, SD_EVENT_OFF);
		if (burst_is_echo(&d->burst, source->id, daemon_now(),
				  (uint64_t)d->options->window_ms * 1000))
			return;
	} else {
		feed_rng(generation);
		sd_event_source_set_time_relative(d->reseeded, RESEED_US);
		sd_event_source_set_enabled(d->reseeded, SD_EVENT_ONESHOT);
	}
	daemon_event(d, fork_source_name(source->id), generation);
	mark_active(d, &d->sources.all[source->id]);
}

static void on_missed(void *context, const struct source_kind *source)
{
	daemon_doubt(context, fork_source_name(source->id));
}

static int on_reseeded(sd_event_source *timer, uint64_t usec, void *context)
{
	(void)timer;
	(void)usec;
	daemon_event(context, "reseed", "");
	return 0;
}

static int on_due(sd_event_source *timer, uint64_t usec, void *context)
{
	(void)timer;
	(void)usec;
	daemon_schedule(context);
	return 0;
}

static int on_every(sd_event_source *timer, uint64_t usec, void *context)
{
	struct daemon *d = context;

	(void)usec;
	sd_event_source_set_time_relative(timer, d->options->every * SECOND_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	daemon_event(d, "timer", "");
	return 0;
}

static int on_restate(sd_event_source *timer, uint64_t usec, void *context)
{
	struct daemon *d = context;

	(void)timer;
	(void)usec;
	/* it watches a deleted file, whose inode number the new one may reuse */
	d->unlinked = sd_event_source_disable_unref(d->unlinked);
	daemon_save(d);
	return 0;
}

static int on_loaded(sd_event_source *timer, uint64_t usec, void *context)
{
	(void)timer;
	(void)usec;
	daemon_loaded(context);
	return 0;
}

/* Reopens the sources in @seconds, or earlier if that was requested before. */
static void reopen_later(struct daemon *d, unsigned int seconds)
{
	uint64_t at = daemon_now() + seconds * SECOND_US, set;
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(d->reopen, &enabled);
	if (enabled != SD_EVENT_OFF && sd_event_source_get_time(d->reopen, &set) >= 0 &&
	    set <= at)
		return;
	sd_event_source_set_time(d->reopen, at);
	sd_event_source_set_enabled(d->reopen, SD_EVENT_ONESHOT);
}

/* Reopens the sources with the current options. */
static void open_sources(struct daemon *d)
{
	sources_close(&d->sources);
	d->host.options = &d->options->source;
	sources_open(&d->sources, &d->host);
	if (sources_failed(&d->sources))
		reopen_later(d, SOURCE_LATER);
	daemon_tell_sources(d);
	daemon_tell_manager(d);
}

static void start_timer(struct daemon *d)
{
	if (d->options->every)
		sd_event_source_set_time_relative(d->every,
						  d->options->every * SECOND_US);
	sd_event_source_set_enabled(d->every,
				    d->options->every ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/*
 * The sources may have missed a fork while closed. Merely trying a failed source again, in
 * vain, is no reason to suspect one.
 */
static int on_reopen(sd_event_source *timer, uint64_t usec, void *context)
{
	struct daemon *d = context;
	size_t failed = sources_failed(&d->sources);
	bool in_vain;

	(void)timer;
	(void)usec;
	open_sources(d);
	in_vain = d->retrying && sources_failed(&d->sources) == failed;
	d->retrying = sources_failed(&d->sources) > 0;
	if (!in_vain)
		daemon_doubt(d, "sources");
	return 0;
}

static void on_changed(void *context, unsigned int seconds)
{
	struct daemon *d = context;

	d->retrying = false;
	if (seconds == SOURCE_LATER) /* a source has failed */
		daemon_tell_sources(d);
	reopen_later(d, seconds);
}

static void take_options(struct daemon *d)
{
	struct daemon_options fresh;
	struct error err;

	if (daemon_options_parse(d->options->argc, d->options->argv, &fresh, &err)) {
		log_line(d->journal, LOG_ERR, NULL,
			 "%s: keeping the previous configuration", err.text);
		return;
	}
	fresh.run = d->options->run; /* the lock is not moved */
	daemon_options_free(&d->reloaded);
	d->reloaded = fresh;
	d->options = &d->reloaded;
	d->ratelimit.window = d->options->window_ms * UINT64_C(1000);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si,
		     void *context)
{
	struct daemon *d = context;
	struct timespec t;

	(void)source;
	(void)si;
	clock_gettime(CLOCK_MONOTONIC, &t);
	sd_notifyf(0,
		   "RELOADING=1\nMONOTONIC_USEC=%" PRIu64
		   "\nSTATUS=Reading configuration",
		   (uint64_t)t.tv_sec * SECOND_US + (uint64_t)t.tv_nsec / 1000);
	if (d->options->argv)
		take_options(d);
	open_sources(d);
	start_timer(d);
	sd_notify(0, "READY=1");
	daemon_event(d, "signal", "");
	return 0;
}

/* A running reload command may finish: the crash kernel may be unloaded until it does. */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si,
		   void *context)
{
	struct daemon *d = context;

	(void)source;
	log_line(d->journal, LOG_INFO, NULL, "ending on signal %u", si->ssi_signo);
	sd_notify(0, "STOPPING=1");
	d->stopping = true;
	return d->command.pid ? 0 : sd_event_exit(d->loop, 0);
}

static int add_signals(struct daemon *d)
{
	static const int stop[] = { SIGTERM, SIGINT };
	sigset_t mask;
	int ret = 0;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(stop) / sizeof(stop[0]) && ret >= 0; i++)
		ret = sd_event_add_signal(d->loop, NULL, stop[i], on_stop, d);
	return ret < 0 ? ret : sd_event_add_signal(d->loop, NULL, SIGHUP, on_reload, d);
}

static int add_timer(struct daemon *d, sd_event_source **out,
		     sd_event_time_handler_t fire)
{
	int ret = sd_event_add_time(d->loop, out, CLOCK_BOOTTIME, 0, 0, fire, d);

	return ret < 0 ? ret : sd_event_source_set_enabled(*out, SD_EVENT_OFF);
}

static int set_up_loop(struct daemon *d)
{
	int ret = sd_event_new(&d->loop);

	if (ret >= 0)
		ret = add_signals(d);
	if (ret >= 0)
		ret = add_timer(d, &d->due, on_due);
	if (ret >= 0)
		ret = add_timer(d, &d->every, on_every);
	if (ret >= 0)
		ret = add_timer(d, &d->reopen, on_reopen);
	if (ret >= 0)
		ret = add_timer(d, &d->rewrite_state, on_restate);
	if (ret >= 0)
		ret = add_timer(d, &d->reseeded, on_reseeded);
	if (ret >= 0)
		ret = add_timer(d, &d->loaded, on_loaded);
	if (ret >= 0)
		ret = sd_event_set_watchdog(d->loop, true);
	return ret < 0 ? ret : 0;
}

int daemon_open(struct daemon *d, const struct daemon_options *o, daemon_refresh *refresh,
		struct error *err)
{
	int ret;

	*d = (struct daemon){
		.options = o,
		.refresh = refresh,
		.ratelimit = ratelimit_make(o->window_ms * UINT64_C(1000)),
		.command = { .context = d, .done = daemon_command_done },
		.state = { .pid = (uint64_t)getpid(), .started = (uint64_t)time(NULL) },
		.lock = -1,
		.journal = log_is_journal(),
		.starting = true,
	};
	d->lock = daemon_state_lock(o->run, -1, err);
	if (d->lock == -EBUSY)
		return -EBUSY;
	ret = set_up_loop(d);
	if (ret)
		return error_set(err, -ret, "cannot set up the event loop: %s",
				 errno_text(-ret));
	d->host = (struct source_host){
		.loop = d->loop,
		.options = &o->source,
		.context = d,
		.fork = on_fork,
		.missed = on_missed,
		.changed = on_changed,
	};
	ret = daemon_watch_sleep(d);
	if (ret < 0)
		log_line(d->journal, LOG_WARNING, NULL, "sleep will not be noticed: %s",
			 errno_text(-ret));
	open_sources(d);
	start_timer(d);
	sd_notify(0, "READY=1");
	daemon_doubt(d, "start"); /* covers forks while the daemon was not running */
	d->starting = false;
	daemon_save(d);
	return 0;
}

void daemon_close(struct daemon *d)
{
	child_stop(&d->command);
	sources_close(&d->sources);
	sd_event_source_disable_unref(d->due);
	sd_event_source_disable_unref(d->every);
	sd_event_source_disable_unref(d->reopen);
	sd_event_source_disable_unref(d->unlinked);
	sd_event_source_disable_unref(d->folder);
	sd_event_source_disable_unref(d->loaded);
	sd_event_source_disable_unref(d->rewrite_state);
	sd_event_source_disable_unref(d->resume);
	sd_event_source_disable_unref(d->reseeded);
	sd_event_unref(d->loop);
	daemon_options_free(&d->reloaded);
	if (d->lock >= 0)
		close(d->lock);
	*d = (struct daemon){ .lock = -1 };
}

int daemon_run(const struct daemon_options *o, daemon_refresh *refresh, struct error *err)
{
	struct daemon d;
	int ret = daemon_open(&d, o, refresh, err);

	if (!ret) {
		ret = sd_event_loop(d.loop);
		if (ret < 0)
			error_set(err, -ret, "the event loop ended: %s",
				  errno_text(-ret));
	}
	daemon_close(&d);
	return ret;
}
