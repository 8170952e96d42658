// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's event loop, and what it tells a service manager. */
#include "kexec_seed/loop/loop.h"
#include "kexec_seed/loop/notify.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct scene {
	struct loop loop;
	struct loop_watch watch[2];
	struct loop_timer timer;
	int pipe[2][2];
	unsigned int ready[2], fired;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	*state = s;
	assert_int_equal(loop_open(&s->loop), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe2(s->pipe[i], O_CLOEXEC | O_NONBLOCK), 0);
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	loop_timer_close(&s->timer);
	for (int i = 0; i < 2; i++) {
		loop_watch_close(&s->watch[i]);
		close(s->pipe[i][0]);
		close(s->pipe[i][1]);
	}
	loop_close(&s->loop);
	loop_close(&s->loop); /* may be repeated */
	free(s);
	return 0;
}

static void on_first(void *context, uint32_t events)
{
	struct scene *s = context;

	assert_true(events & EPOLLIN);
	s->ready[0]++;
}

static void on_second(void *context, uint32_t events)
{
	(void)events;
	((struct scene *)context)->ready[1]++;
}

static void on_timer(void *context)
{
	struct scene *s = context;

	assert_int_equal(s->timer.at, 0);
	s->fired++;
}

static void watch_both(struct scene *s, void (*first)(void *context, uint32_t events))
{
	assert_int_equal(loop_watch_open(&s->watch[0], &s->loop, s->pipe[0][0], first, s),
			 0);
	assert_int_equal(
		loop_watch_open(&s->watch[1], &s->loop, s->pipe[1][0], on_second, s), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(write(s->pipe[i][1], "x", 1), 1);
}

/* Each has its turn, although neither is ever read; a paused one has none. */
static void test_turns(void **state)
{
	struct scene *s = *state;

	watch_both(s, on_first);
	for (int i = 0; i < 10; i++)
		assert_int_equal(loop_step(&s->loop, 0), 1);
	assert_int_equal(s->ready[0], 5);
	assert_int_equal(s->ready[1], 5);
	assert_int_equal(loop_watch_enable(&s->watch[0], false), 0);
	assert_int_equal(loop_watch_enable(&s->watch[0], false), 0);
	assert_int_equal(loop_step(&s->loop, 0), 1);
	assert_int_equal(loop_step(&s->loop, 0), 1);
	assert_int_equal(s->ready[0], 5);
	assert_int_equal(loop_watch_enable(&s->watch[0], true), 0);
	loop_watch_close(&s->watch[1]);
	loop_watch_close(&s->watch[1]);
	assert_int_equal(loop_step(&s->loop, 0), 1);
	assert_int_equal(s->ready[0], 6);
	assert_int_equal(fcntl(s->pipe[1][0], F_GETFD), FD_CLOEXEC); /* still open */
}

static void close_both(void *context, uint32_t events)
{
	struct scene *s = context;

	(void)events;
	s->ready[0]++;
	loop_watch_close(&s->watch[0]);
	loop_watch_close(&s->watch[1]);
}

/* A handler may close itself and another one that is ready. */
static void test_closed_by_a_handler(void **state)
{
	struct scene *s = *state;

	watch_both(s, close_both);
	while (loop_step(&s->loop, 0) > 0)
		;
	assert_int_equal(s->ready[0], 1);
	assert_in_range(s->ready[1], 0, 1); /* it may have come first */
}

static void test_not_watched(void **state)
{
	struct scene *s = *state;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(loop_watch_open(&s->watch[0], &s->loop, fd, on_first, s),
			 -EPERM);
	assert_null(s->watch[0].loop);
	assert_int_equal(loop_watch_enable(&s->watch[0], true), 0);
	close(fd);
}

static void test_timer(void **state)
{
	struct scene *s = *state;

	assert_int_equal(
		loop_timer_open(&s->timer, &s->loop, CLOCK_BOOTTIME, on_timer, s), 0);
	assert_int_equal(loop_step(&s->loop, 0), 0); /* not set */
	assert_int_equal(loop_timer_set_in(&s->timer, 0), 0);
	assert_int_equal(loop_step(&s->loop, -1), 1);
	assert_int_equal(s->fired, 1);
	assert_int_equal(loop_step(&s->loop, 0), 0);	   /* once */
	assert_int_equal(loop_timer_set(&s->timer, 0), 0); /* long ago */
	assert_int_equal(s->timer.at, 1);
	assert_int_equal(loop_step(&s->loop, -1), 1);
	assert_int_equal(s->fired, 2);
	assert_int_equal(loop_timer_set_in(&s->timer, 3600ull * 1000000), 0);
	assert_in_range(s->timer.at - loop_now(CLOCK_BOOTTIME), 3000ull * 1000000,
			3600ull * 1000000);
	assert_int_equal(loop_step(&s->loop, 0), 0);
	assert_int_equal(loop_timer_set_in(&s->timer, 0), 0);
	usleep(1000);
	loop_timer_stop(&s->timer); /* although it is due */
	assert_int_equal(s->timer.at, 0);
	assert_int_equal(loop_step(&s->loop, 0), 0);
	assert_int_equal(s->fired, 2);
}

static void on_end(void *context)
{
	loop_end(&((struct scene *)context)->loop);
}

static void test_run(void **state)
{
	struct scene *s = *state;

	assert_int_equal(loop_timer_open(&s->timer, &s->loop, CLOCK_MONOTONIC, on_end, s),
			 0);
	assert_int_equal(loop_timer_set_in(&s->timer, 1000), 0);
	assert_int_equal(loop_run(&s->loop), 0);
}

/* A manager's socket: abstract, or a file. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, name, strlen(name));
	if (*name == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(
		bind(fd, (struct sockaddr *)&at,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	return fd;
}

static void test_manager(void **state)
{
	char names[2][64], text[64] = "", many[4096];

	(void)state;
	snprintf(names[0], sizeof(names[0]), "@test_loop.%d", (int)getpid());
	snprintf(names[1], sizeof(names[1]), "/tmp/test_loop.%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);

		memset(text, 0, sizeof(text));
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_manager("READY=%d", 1);
		assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
		assert_string_equal(text, "READY=1");
		close(fd);
		notify_manager("READY=%d", 1); /* nobody there */
		unlink(names[i]);
	}
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	setenv("NOTIFY_SOCKET", many, 1); /* no such name can be */
	notify_manager("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
}

static void test_watchdog(void **state)
{
	char pid[16];

	(void)state;
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_watchdog(), 0);
	setenv("WATCHDOG_USEC", "600000000", 1);
	assert_int_equal(notify_watchdog(), 300000000);
	setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
	assert_int_equal(notify_watchdog(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog(), 300000000);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_watchdog(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_turns),
		TEST(test_closed_by_a_handler),
		TEST(test_not_watched),
		TEST(test_timer),
		TEST(test_run),
		cmocka_unit_test(test_manager),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
