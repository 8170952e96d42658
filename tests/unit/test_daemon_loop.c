// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's loop with a refresh that only counts: how many events cause how many
 * refreshes, and what follows a failure. The reload command: test_daemon_command.c.
 */
#include "daemon_scene.h"

#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_start(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	/* not told to be running before the first refresh has ended */
	assert_int_equal(fake.count, 1);
	assert_string_equal(fake.source, "start");
	assert_false(fake.in_status);
	/* The first event after a quiet time is acted upon at once, without the loop. */
	run(&s, 150000);
	daemon_event(&s.d, "kmsg", "");
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "kmsg");
	assert_true(fake.in_status);
	/* The second one falls within the window. */
	daemon_event(&s.d, "uevent", "00ff");
	assert_int_equal(fake.count, 2);
	run(&s, 150000);
	assert_int_equal(fake.count, 3);
	assert_string_equal(fake.source, "uevent");
	run(&s, 300000);
	assert_int_equal(fake.count, 3);
	end(&s);
}

/* A slow refresh: events that arrive in between are read late. */
static void test_slow(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	s.options.window_ms = 400;
	start(&s);
	run(&s, 500000);
	fake.takes = 1000000;
	s.d.host.fork(&s.d, &source_uevent, "");
	s.d.host.fork(&s.d, &source_kmsg, ""); /* the same fork */
	run(&s, 1600000);
	assert_int_equal(fake.count, 2);
	s.d.host.fork(&s.d, &source_uevent, "");
	s.d.host.fork(&s.d, &source_kmsg, "");
	s.d.host.fork(&s.d, &source_kmsg, ""); /* another one */
	run(&s, 1600000);
	assert_int_equal(fake.count, 4);
	end(&s);
}

/* Lost events: a refresh if the generation has changed, and never instead of a real event. */
static void test_doubt(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	assert_true(fake.if_forked);
	run(&s, 150000);
	s.d.host.missed(&s.d, &source_kmsg);
	assert_int_equal(fake.count, 2);
	assert_true(fake.if_forked);
	assert_string_equal(fake.source, "kmsg");
	daemon_event(&s.d, "uevent", "00ff");
	s.d.host.missed(&s.d, &source_kmsg);
	run(&s, 300000);
	assert_int_equal(fake.count, 3);
	assert_false(fake.if_forked);
	assert_string_equal(fake.source, "uevent");
	/* A failed refresh after a real event is not less urgent the next time. */
	run(&s, 300000);
	fake.result = -EIO;
	daemon_event(&s.d, "timer", "");
	assert_int_equal(fake.count, 4);
	fake.result = 0;
	run(&s, 1300000);
	assert_int_equal(fake.count, 5);
	assert_false(fake.if_forked);
	run(&s, 300000);
	fake.skipped = REFRESH_NOT_FORKED;
	s.d.host.missed(&s.d, &source_kmsg);
	assert_int_equal(fake.count, 6);
	assert_true(fake.if_forked);
	run(&s, 1300000); /* no retry */
	assert_int_equal(fake.count, 6);
	assert_int_equal(s.d.state.failures, 1);
	end(&s);
}

/* A new recipe is noticed, clears the failure of the image before, and is not reseeded. */
static void test_loaded(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	fake.result = -ENODATA;
	fake.skipped = REFRESH_FOREIGN;
	start(&s);
	run(&s, 1500000); /* a foreign image is not retried */
	assert_int_equal(fake.count, 1);
	assert_int_equal(s.d.state.failures, 1);
	assert_string_not_equal(s.d.state.error, "");
	fake.result = 0;
	fake.skipped = REFRESH_NOT_FORKED;
	put_recipe(s.run);
	run(&s, 1500000);
	assert_int_equal(fake.count, 2);
	assert_true(fake.if_lacking && fake.if_forked);
	assert_string_equal(fake.source, "load");
	assert_int_equal(s.d.state.failures, 0);
	assert_string_equal(s.d.state.error, "");
	/* its own refreshes write recipes, too: no loop */
	fake.skipped = REFRESH_NOT_SKIPPED;
	fake.writes = true;
	daemon_event(&s.d, "kmsg", "");
	assert_false(fake.if_lacking || fake.if_forked);
	run(&s, 1500000);
	assert_int_equal(fake.count, 3);
	end(&s);
}

static void touch_recipe(const struct setup *s, const struct timespec *when)
{
	const struct timespec both[2] = { *when, *when };
	char path[128];

	snprintf(path, sizeof(path), "%s/crash.recipe", s->run);
	assert_int_equal(utimensat(AT_FDCWD, path, both, 0), 0);
}

static bool is_new_recipe(struct setup *s, const struct stat *known)
{
	s->d.recipe = *known;
	s->d.is_new = false;
	daemon_loaded(&s->d);
	return s->d.is_new;
}

/* The same recipe is the same file with the same time. */
static void test_same_recipe(void **state)
{
	struct timespec when;
	struct stat known;
	struct setup s;
	char path[128];

	(void)state;
	begin(&s);
	start(&s);
	put_recipe(s.run);
	snprintf(path, sizeof(path), "%s/crash.recipe", s.run);
	assert_int_equal(lstat(path, &known), 0);
	when = known.st_mtim;
	assert_false(is_new_recipe(&s, &known));
	when.tv_sec++;
	touch_recipe(&s, &when);
	assert_true(is_new_recipe(&s, &known));
	when.tv_sec--;
	when.tv_nsec ^= 1;
	touch_recipe(&s, &when);
	assert_true(is_new_recipe(&s, &known));
	when.tv_nsec ^= 1;
	touch_recipe(&s, &when);
	assert_false(is_new_recipe(&s, &known));
	put_recipe(s.run);
	touch_recipe(&s, &when);
	assert_true(is_new_recipe(&s, &known));
	end(&s);
}

/* A pending retry of the image before is not for the new one; an unload ends it as well. */
static void test_loaded_instead(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	run(&s, 150000);
	fake.result = -EIO;
	daemon_event(&s.d, "kmsg", "");
	assert_int_equal(fake.count, 2);
	put_recipe(s.run);
	fake.result = 0;
	fake.skipped = REFRESH_NOT_FORKED;
	run(&s, 900000); /* before the retry */
	assert_int_equal(fake.count, 3);
	assert_true(fake.if_lacking && fake.if_forked);
	run(&s, 1500000);
	assert_int_equal(fake.count, 3);
	fake.result = -ENOENT;
	fake.skipped = REFRESH_NOTHING_LOADED;
	tree_remove(&s.tree, "/run/crash.recipe");
	run(&s, 1500000);
	assert_int_equal(fake.count, 4);
	assert_int_equal(s.d.state.failures, 0);
	end(&s);
}

/* The seed of before a hibernation is on disk; a clock that was set proves nothing. */
static void test_sleep(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	run(&s, 150000);
	daemon_clock_changed(&s.d, s.d.asleep + 50000);
	assert_int_equal(fake.count, 2);
	assert_true(fake.if_forked);
	assert_string_equal(fake.source, "clock");
	run(&s, 150000);
	daemon_clock_changed(&s.d, s.d.asleep + 5000000);
	assert_int_equal(fake.count, 3);
	assert_false(fake.if_forked);
	assert_string_equal(fake.source, "resume");
	run(&s, 150000);
	/* once */
	daemon_clock_changed(&s.d, s.d.asleep);
	assert_int_equal(fake.count, 4);
	assert_true(fake.if_forked);
	end(&s);
}

/* Nothing tells whether the machine was forked: one refresh for all doubts. */
static void test_blind_flood(void **state)
{
	uint64_t began, at;
	struct setup s;

	(void)state;
	begin(&s);
	fake.blind = true;
	start(&s);
	began = daemon_now();
	while (daemon_now() < began + 1000000) {
		s.d.host.missed(&s.d, &source_kmsg);
		loop_step(&s.d.loop, 1);
	}
	assert_int_equal(fake.count, 1);
	assert_true(ratelimit_due(&s.d.ratelimit, &at));
	assert_in_range(at - began, 58000000, 60000000);
	daemon_event(&s.d, "uevent", "");
	assert_int_equal(fake.count, 2);
	assert_false(fake.if_forked);
	/* A refresh that loads all of the image costs more. */
	fake.mode = REFRESH_FULL;
	s.d.ratelimit.doubt_until = 0;
	run(&s, 300000);
	s.d.host.missed(&s.d, &source_kmsg);
	assert_int_equal(fake.count, 3);
	s.d.host.missed(&s.d, &source_kmsg);
	run(&s, 300000);
	assert_int_equal(fake.count, 3);
	assert_true(ratelimit_due(&s.d.ratelimit, &at));
	assert_in_range(at - daemon_now(), 590000000, 600000000);
	end(&s);
}

static void test_flood(void **state)
{
	uint64_t began, last = 0;
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	run(&s, 150000);
	began = daemon_now();
	for (unsigned int i = 0; i < 10000; i++) {
		while (daemon_now() < began + i * 100ull)
			loop_step(&s.d.loop, 0);
		last = daemon_now();
		daemon_event(&s.d, "kmsg", "");
	}
	run(&s, 2000000);
	assert_in_range(fake.count - 1, 2, 7);
	assert_true(fake.last > last);
	assert_int_equal(s.d.state.events, 10001);
	end(&s);
}

static void test_million(void **state)
{
	size_t files, memory;
	struct setup s;

	(void)state;
	begin(&s);
	s.options.window_ms = 1; /* many refreshes as well */
	start(&s);
	for (int i = 0; i < 10000; i++)
		daemon_event(&s.d, "kmsg", "");
	run(&s, 10000);
	files = open_files();
	memory = mallinfo2().uordblks;
	for (int i = 0; i < 1000000; i++) {
		daemon_event(&s.d, i & 1 ? "kmsg" : "uevent", "0123");
		if (i % 64 == 0)
			loop_step(&s.d.loop, 0);
	}
	run(&s, 50000);
	assert_int_equal(open_files(), files);
	assert_in_range(mallinfo2().uordblks, 0, memory + 4096);
	end(&s);
}

/* Pure: the test need not wait five minutes. */
static void test_backoff(void **state)
{
	static const unsigned int delays[] = {
		1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300
	};
	struct ratelimit r = ratelimit_make(100000);
	uint64_t now = 5, at;

	(void)state;
	assert_false(ratelimit_due(&r, &at));
	ratelimit_event(&r, now);
	for (size_t i = 0; i < COUNT(delays); i++) {
		assert_true(ratelimit_due(&r, &at));
		now = at > now ? at : now;
		ratelimit_begin(&r);
		assert_false(ratelimit_due(&r, &at));
		ratelimit_end(&r, now, false);
		assert_true(ratelimit_due(&r, &at));
		assert_int_equal(at - now, delays[i] * 1000000ull);
	}
	/* An event does not wait for the retry. */
	now += 10000000;
	ratelimit_event(&r, now);
	assert_true(ratelimit_due(&r, &at) && at <= now);
	ratelimit_begin(&r);
	ratelimit_event(&r, now); /* during a refresh */
	ratelimit_end(&r, now, true);
	assert_true(ratelimit_due(&r, &at));
	assert_int_equal(at, now + 100000);
	ratelimit_begin(&r);
	ratelimit_end(&r, at, true);
	assert_false(ratelimit_due(&r, &at));
}

static void test_retry(void **state)
{
	struct daemon_state told;
	struct error err;
	struct setup s;

	(void)state;
	begin(&s);
	fake.result = -EIO;
	start(&s);
	assert_int_equal(fake.count, 1);
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.error, "as the test demands");
	assert_int_equal(told.failures, 1);
	fake.result = 0;
	run(&s, 1200000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "start");
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.error, "");
	run(&s, 150000); /* the retry may be late: keep the next event apart */
	/* Retrying cannot help here. */
	fake.result = -ENOENT;
	fake.skipped = REFRESH_NOTHING_LOADED;
	daemon_event(&s.d, "kmsg", "");
	fake.result = -ENODATA;
	fake.skipped = REFRESH_FOREIGN;
	run(&s, 200000);
	daemon_event(&s.d, "kmsg", "");
	run(&s, 1500000);
	assert_int_equal(fake.count, 4);
	assert_int_equal(s.d.state.failures, 2);
	run(&s, 150000);
	/* A refresh that left no crash kernel is retried, and may load it again. */
	fake.result = -EIO;
	fake.skipped = REFRESH_NOT_SKIPPED;
	fake.unloaded = true;
	daemon_event(&s.d, "kmsg", "");
	assert_int_equal(fake.count, 5);
	assert_false(fake.restore);
	fake.result = 0;
	fake.unloaded = false;
	run(&s, 1500000);
	assert_int_equal(fake.count, 6);
	assert_true(fake.restore);
	run(&s, 150000);
	daemon_event(&s.d, "kmsg", "");
	run(&s, 300000);
	assert_false(fake.restore);
	end(&s);
}

static void test_one_only(void **state)
{
	struct daemon other;
	struct error err;
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	assert_int_equal(daemon_open(&other, &s.options, count_refresh, &err), -EBUSY);
	daemon_close(&other);
	/* /run is wiped: a second later all is back. */
	tree_remove(&s.tree, "run");
	run(&s, 1500000);
	assert_int_equal(daemon_open(&other, &s.options, count_refresh, &err), -EBUSY);
	daemon_close(&other);
	end(&s);
}

/* A file takes the folder's place; once that is gone the daemon recovers. */
static void test_no_folder(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	tree_remove(&s.tree, "run");
	tree_put(&s.tree, "run", "not a folder");
	run(&s, 1500000);
	assert_int_equal(s.d.lock, -1);
	tree_remove(&s.tree, "run");
	raise(SIGHUP);
	run(&s, 200000);
	assert_in_range(s.d.lock, 0, INT_MAX);
	end(&s);
}

static void test_signals(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	start(&s);
	run(&s, 150000);
	raise(SIGHUP);
	run(&s, 50000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "signal");
	raise(SIGTERM);
	assert_int_equal(loop_run(&s.d.loop), 0);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),	       cmocka_unit_test(test_slow),
		cmocka_unit_test(test_flood),	       cmocka_unit_test(test_million),
		cmocka_unit_test(test_backoff),	       cmocka_unit_test(test_retry),
		cmocka_unit_test(test_one_only),       cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_signals),	       cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_sleep),	       cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_loaded_instead), cmocka_unit_test(test_blind_flood),
		cmocka_unit_test(test_same_recipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
