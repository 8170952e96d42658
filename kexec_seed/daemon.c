// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kexec_seed/daemon_core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define SECOND_US UINT64_C(1000000)

/*
 * A kernel that has not noticed the fork itself reseeds its generator once a minute
 * (CRNG_RESEED_INTERVAL in drivers/char/random.c): until then clones draw alike, unless we
 * may ask for it (seed_stir()).
 */
#define RESEED_US (65 * SECOND_US)

/* What tells one clone from the other shall be in the generator when it reseeds. */
static void feed_generator(const char *generation)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) /* if that fails, there is still the timer */
		file_write_all(fd, generation, strlen(generation));
}

/*
 * The driver's own word comes after the kernel has reseeded, and is heard twice, in the log
 * and as a uevent. Anybody else's does not tell that.
 */
static void on_fork(void *context, const char *source, const char *generation)
{
	struct daemon *d = context;
	bool log = !strcmp(source, source_kmsg.name);

	if (log || !strcmp(source, source_uevent.name)) {
		sd_event_source_set_enabled(d->reseeded, SD_EVENT_OFF);
		if (burst_is_echo(&d->burst, log, daemon_now(),
				  (uint64_t)d->options->window_ms * 1000))
			return;
	} else {
		feed_generator(generation);
		sd_event_source_set_time_relative(d->reseeded, RESEED_US);
		sd_event_source_set_enabled(d->reseeded, SD_EVENT_ONESHOT);
	}
	daemon_event(d, source, generation);
}

static void on_missed(void *context, const char *source)
{
	daemon_event(context, source, "");
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
	/* it watches a file that is gone, and the new one may get its number */
	d->lost = sd_event_source_disable_unref(d->lost);
	daemon_save(d);
	return 0;
}

/* Whatever was there before, these are the sources now. */
static void open_sources(struct daemon *d)
{
	sources_close(&d->sources);
	d->host.options = d->options;
	sources_open(&d->sources, &d->host);
	daemon_tell_sources(d);
	daemon_tell_manager(d);
	if (d->options->every)
		sd_event_source_set_time_relative(d->every,
						  d->options->every * SECOND_US);
	sd_event_source_set_enabled(d->every,
				    d->options->every ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* What they have missed in between is covered by a refresh. */
static int on_reopen(sd_event_source *timer, uint64_t usec, void *context)
{
	struct daemon *d = context;

	(void)timer;
	(void)usec;
	open_sources(d);
	daemon_event(d, "sources", "");
	return 0;
}

static void on_changed(void *context, unsigned int seconds)
{
	struct daemon *d = context;
	uint64_t at = daemon_now() + seconds * SECOND_US, set;
	int enabled = SD_EVENT_OFF;

	if (seconds == SOURCE_LATER) /* one has failed; until then others may ask */
		daemon_tell_sources(d);
	sd_event_source_get_enabled(d->reopen, &enabled);
	if (enabled != SD_EVENT_OFF && sd_event_source_get_time(d->reopen, &set) >= 0 &&
	    set <= at)
		return;
	sd_event_source_set_time(d->reopen, at);
	sd_event_source_set_enabled(d->reopen, SD_EVENT_ONESHOT);
}

static void take_options(struct daemon *d)
{
	struct daemon_options fresh;
	struct error err;

	if (daemon_options_parse(d->options->argc, d->options->argv, &fresh, &err)) {
		log_line(d->journal, LOG_ERR, NULL,
			 "%s: going on with what was said before", err.text);
		return;
	}
	fresh.run = d->options->run; /* where the lock is stays */
	daemon_options_free(&d->reloaded);
	d->reloaded = fresh;
	d->options = &d->reloaded;
	d->pace.window = d->options->window_ms * UINT64_C(1000);
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
	sd_notify(0, "READY=1");
	daemon_event(d, "signal", "");
	return 0;
}

/* Not in the middle of a reload: there may be no crash kernel at that moment. */
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
		ret = add_timer(d, &d->restate, on_restate);
	if (ret >= 0)
		ret = add_timer(d, &d->reseeded, on_reseeded);
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
		.pace = pace_make(o->window_ms * UINT64_C(1000)),
		.command = { .context = d, .done = daemon_command_done },
		.state = { .pid = getpid(), .started = time(NULL) },
		.lock = -1,
		.journal = log_is_journal(),
	};
	d->lock = daemon_state_lock(o->run, -1, err);
	if (d->lock == -EBUSY)
		return -EBUSY;
	ret = set_up_loop(d);
	if (ret)
		return error_set(err, -ret, "cannot set up the event loop: %s",
				 strerror(-ret));
	d->host = (struct source_host){
		.loop = d->loop,
		.options = o,
		.context = d,
		.fork = on_fork,
		.missed = on_missed,
		.changed = on_changed,
	};
	open_sources(d);
	sd_notify(0, "READY=1");
	daemon_event(d, "start", ""); /* it may have slept through a fork */
	return 0;
}

void daemon_close(struct daemon *d)
{
	child_stop(&d->command);
	sources_close(&d->sources);
	sd_event_source_disable_unref(d->due);
	sd_event_source_disable_unref(d->every);
	sd_event_source_disable_unref(d->reopen);
	sd_event_source_disable_unref(d->lost);
	sd_event_source_disable_unref(d->restate);
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
			error_set(err, -ret, "the event loop ended: %s", strerror(-ret));
	}
	daemon_close(&d);
	return ret;
}
