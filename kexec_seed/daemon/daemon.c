// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/daemon.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kexec_seed/daemon/core.h"
#include "kexec_seed/loop/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
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
		loop_timer_stop(&d->reseeded);
		if (burst_is_echo(&d->burst, source->id, daemon_now(),
				  (uint64_t)d->options->window_ms * 1000))
			return;
	} else {
		feed_rng(generation);
		loop_timer_set_in(&d->reseeded, RESEED_US);
	}
	daemon_event(d, fork_source_name(source->id), generation);
	mark_active(d, &d->sources.all[source->id]);
}

static void on_missed(void *context, const struct source_kind *source)
{
	daemon_doubt(context, fork_source_name(source->id));
}

static void on_reseeded(void *context)
{
	daemon_event(context, "reseed", "");
}

static void on_due(void *context)
{
	daemon_schedule(context);
}

static void on_every(void *context)
{
	struct daemon *d = context;

	loop_timer_set_in(&d->every, d->options->every * SECOND_US);
	daemon_event(d, "timer", "");
}

static void on_restate(void *context)
{
	struct daemon *d = context;

	/* it watches a deleted file, whose inode number the new one may reuse */
	loop_watch_destroy(&d->unlinked);
	daemon_save(d);
}

static void on_loaded(void *context)
{
	daemon_loaded(context);
}

static void on_watchdog(void *context)
{
	struct daemon *d = context;

	notify_manager("WATCHDOG=1");
	loop_timer_set_in(&d->watchdog, d->watchdog_us);
}

/* Reopens the sources in @seconds, or earlier if that was requested before. */
static void reopen_later(struct daemon *d, unsigned int seconds)
{
	uint64_t at = daemon_now() + seconds * SECOND_US;

	if (!d->reopen.at || d->reopen.at > at)
		loop_timer_set(&d->reopen, at);
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
		loop_timer_set_in(&d->every, d->options->every * SECOND_US);
	else
		loop_timer_stop(&d->every);
}

/*
 * The sources may have missed a fork while closed. Merely trying a failed source again, in
 * vain, is no reason to suspect one.
 */
static void on_reopen(void *context)
{
	struct daemon *d = context;
	size_t failed = sources_failed(&d->sources);
	bool in_vain;

	open_sources(d);
	in_vain = d->retrying && sources_failed(&d->sources) == failed;
	d->retrying = sources_failed(&d->sources) > 0;
	if (!in_vain)
		daemon_doubt(d, "sources");
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

static void reload(struct daemon *d)
{
	notify_manager("RELOADING=1\nMONOTONIC_USEC=%" PRIu64
		       "\nSTATUS=Reading configuration",
		       loop_now(CLOCK_MONOTONIC));
	if (d->options->argv)
		take_options(d);
	open_sources(d);
	start_timer(d);
	notify_manager("READY=1");
	daemon_event(d, "signal", "");
}

/* A running reload command may finish: the crash kernel may be unloaded until it does. */
static void stop(struct daemon *d, unsigned int number)
{
	log_line(d->journal, LOG_INFO, NULL, "ending on signal %u", number);
	notify_manager("STOPPING=1");
	d->stopping = true;
	if (!d->command.pid)
		loop_end(&d->loop);
}

static void on_signal(void *context, uint32_t events)
{
	struct daemon *d = context;
	struct signalfd_siginfo info;

	(void)events;
	if (read(d->signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(d);
	else
		stop(d, info.ssi_signo);
}

static int open_signals(struct daemon *d)
{
	sigset_t mask;
	int fd, ret;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = loop_watch_open(&d->signals, &d->loop, fd, on_signal, d);
	if (ret)
		close(fd);
	return ret;
}

static int open_timers(struct daemon *d)
{
	const struct {
		struct loop_timer *timer;
		void (*fire)(void *context);
	} timers[] = {
		{ &d->due, on_due },	       { &d->every, on_every },
		{ &d->reopen, on_reopen },     { &d->rewrite_state, on_restate },
		{ &d->reseeded, on_reseeded }, { &d->loaded, on_loaded },
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(timers) / sizeof(timers[0]); i++)
		ret = loop_timer_open(timers[i].timer, &d->loop, CLOCK_BOOTTIME,
				      timers[i].fire, d);
	return ret;
}

static int set_up_loop(struct daemon *d)
{
	int ret = loop_open(&d->loop);

	if (!ret)
		ret = open_signals(d);
	if (!ret)
		ret = open_timers(d);
	if (!ret)
		ret = daemon_watch_sleep(d);
	d->watchdog_us = notify_watchdog();
	if (!ret && d->watchdog_us)
		ret = loop_timer_open(&d->watchdog, &d->loop, CLOCK_MONOTONIC,
				      on_watchdog, d);
	if (!ret && d->watchdog_us)
		ret = loop_timer_set_in(&d->watchdog, d->watchdog_us);
	return ret;
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
		.loop = { .fd = -1 },
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
		.loop = &d->loop,
		.options = &o->source,
		.context = d,
		.fork = on_fork,
		.missed = on_missed,
		.changed = on_changed,
	};
	open_sources(d);
	start_timer(d);
	notify_manager("READY=1");
	daemon_doubt(d, "start"); /* covers forks while the daemon was not running */
	d->starting = false;
	daemon_save(d);
	return 0;
}

void daemon_close(struct daemon *d)
{
	child_stop(&d->command);
	sources_close(&d->sources);
	loop_timer_close(&d->due);
	loop_timer_close(&d->every);
	loop_timer_close(&d->reopen);
	loop_timer_close(&d->loaded);
	loop_timer_close(&d->rewrite_state);
	loop_timer_close(&d->reseeded);
	loop_timer_close(&d->watchdog);
	loop_watch_destroy(&d->unlinked);
	loop_watch_destroy(&d->folder);
	loop_watch_destroy(&d->resume);
	loop_watch_destroy(&d->signals);
	loop_close(&d->loop);
	daemon_options_free(&d->reloaded);
	if (d->lock >= 0)
		close(d->lock);
	*d = (struct daemon){ .loop = { .fd = -1 }, .lock = -1 };
}

int daemon_run(const struct daemon_options *o, daemon_refresh *refresh, struct error *err)
{
	struct daemon d;
	int ret = daemon_open(&d, o, refresh, err);

	if (!ret) {
		ret = loop_run(&d.loop);
		if (ret)
			error_set(err, -ret, "the event loop ended: %s",
				  errno_text(-ret));
	}
	daemon_close(&d);
	return ret;
}
