// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/loop/loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SECOND_US UINT64_C(1000000)

int loop_open(struct loop *l)
{
	*l = (struct loop){ .fd = epoll_create1(EPOLL_CLOEXEC) };
	return l->fd < 0 ? -errno : 0;
}

void loop_close(struct loop *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/*
 * One event at a time: its handler may close any other watch. The kernel's list of ready
 * descriptors is a queue, so that each has its turn.
 */
int loop_step(struct loop *l, int ms)
{
	struct epoll_event event;
	struct loop_watch *w;
	int count = epoll_wait(l->fd, &event, 1, ms);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count) {
		w = event.data.ptr;
		w->ready(w->context, event.events);
	}
	return count;
}

int loop_run(struct loop *l)
{
	int ret = 0;

	while (!l->ended && ret >= 0)
		ret = loop_step(l, -1);
	return ret < 0 ? ret : 0;
}

void loop_end(struct loop *l)
{
	l->ended = true;
}

int loop_watch_enable(struct loop_watch *w, bool on)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = w } };

	if (!w->loop || w->on == on)
		return 0;
	if (epoll_ctl(w->loop->fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, w->fd, &event) < 0)
		return -errno;
	w->on = on;
	return 0;
}

int loop_watch_open(struct loop_watch *w, struct loop *l, int fd,
		    void (*ready)(void *context, uint32_t events), void *context)
{
	int ret;

	*w = (struct loop_watch){
		.loop = l, .fd = fd, .ready = ready, .context = context
	};
	ret = loop_watch_enable(w, true);
	if (ret)
		*w = (struct loop_watch){ 0 };
	return ret;
}

void loop_watch_close(struct loop_watch *w)
{
	loop_watch_enable(w, false);
	*w = (struct loop_watch){ 0 };
}

void loop_watch_destroy(struct loop_watch *w)
{
	const int fd = w->loop ? w->fd : -1;

	loop_watch_close(w);
	if (fd >= 0)
		close(fd);
}

uint64_t loop_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_US + (uint64_t)t.tv_nsec / 1000;
}

/* No expiration to read: it was set anew, or unset, since it became ready. */
static void on_expired(void *timer, uint32_t events)
{
	struct loop_timer *t = timer;
	uint64_t count;

	(void)events;
	if (read(t->watch.fd, &count, sizeof(count)) != sizeof(count))
		return;
	t->at = 0;
	t->fire(t->context);
}

int loop_timer_open(struct loop_timer *t, struct loop *l, clockid_t clock,
		    void (*fire)(void *context), void *context)
{
	int ret, fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);

	*t = (struct loop_timer){ .clock = clock, .fire = fire, .context = context };
	if (fd < 0)
		return -errno;
	ret = loop_watch_open(&t->watch, l, fd, on_expired, t);
	if (ret)
		close(fd);
	return ret;
}

/* Zero would unset the timer. */
int loop_timer_set(struct loop_timer *t, uint64_t at)
{
	struct itimerspec when = { .it_value = { (time_t)(at / SECOND_US),
						 (long)(at % SECOND_US) * 1000 } };

	if (!at)
		when.it_value.tv_nsec = 1;
	if (timerfd_settime(t->watch.fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return -errno;
	t->at = at ? at : 1;
	return 0;
}

int loop_timer_set_in(struct loop_timer *t, uint64_t us)
{
	return loop_timer_set(t, loop_now(t->clock) + us);
}

void loop_timer_stop(struct loop_timer *t)
{
	const struct itimerspec never = { 0 };

	if (t->watch.loop)
		timerfd_settime(t->watch.fd, 0, &never, NULL);
	t->at = 0;
}

void loop_timer_close(struct loop_timer *t)
{
	loop_watch_destroy(&t->watch);
	*t = (struct loop_timer){ 0 };
}
