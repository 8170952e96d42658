// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notices that the machine was asleep. A hibernation image holds the base seed, and on arm64
 * it lacks the crash kernel's pages that the last load did not list: crash_is_nosave() of
 * arch/arm64/kernel/machine_kexec.c.
 */
#include "kexec_seed/daemon/core.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Clocks are read one after the other: less is not sleep. Microseconds. */
#define SLEEP_MIN 100000

/* CLOCK_MONOTONIC does not count time asleep. */
static uint64_t time_asleep(void)
{
	uint64_t awake = loop_now(CLOCK_MONOTONIC);

	return loop_now(CLOCK_BOOTTIME) - awake;
}

/* The kernel cancels a timer in a far future when the clock is set, and after sleep. */
static int wait_for_change(int fd)
{
	const struct itimerspec never = { .it_value.tv_sec = 1LL << 32 /* of 2106 */ };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			       NULL) < 0
		       ? -errno
		       : 0;
}

void daemon_clock_changed(struct daemon *d, uint64_t asleep)
{
	bool slept = asleep > d->asleep + SLEEP_MIN;

	d->asleep = asleep;
	if (slept)
		daemon_event(d, "resume", "");
	else /* or no clock ran that could tell for how long it slept */
		daemon_doubt(d, "clock");
}

static void on_change(void *context, uint32_t events)
{
	struct daemon *d = context;
	uint64_t count;

	(void)events;
	if (read(d->resume.fd, &count, sizeof(count)) < 0 && errno == EAGAIN)
		return;
	if (wait_for_change(d->resume.fd))
		loop_watch_enable(&d->resume, false);
	daemon_clock_changed(d, time_asleep());
}

int daemon_watch_sleep(struct daemon *d)
{
	int ret, fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	d->asleep = time_asleep();
	ret = wait_for_change(fd);
	if (!ret)
		ret = loop_watch_open(&d->resume, &d->loop, fd, on_change, d);
	if (ret)
		close(fd);
	return ret;
}
