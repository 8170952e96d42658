// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's loop with a refresh that only counts: how many events cause how many
 * refreshes, what follows a failure, and the reload command for foreign images.
 */
#include "daemon_scene.h"

#include "check.h"

#include <dirent.h>
#include <errno.h>
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

static void set_reload(struct setup *s, const char *text)
{
	struct error err;

	assert_int_equal(daemon_options_set(&s->options, "reload-command", text, &err),
			 0);
}

/* Waits for the next command to end, which may take a while on a busy machine. */
static void finish_command(struct setup *s)
{
	const uint64_t ends = s->d.state.refreshes + s->d.state.failures;

	for (int i = 0; i < 3000; i++) {
		run(s, 10000);
		if (s->d.state.refreshes + s->d.state.failures != ends)
			return;
	}
}

static void test_command(void **state)
{
	char path[160], text[200];
	struct stat st;
	struct setup s;

	(void)state;
	begin(&s);
	fake.result = -ENODATA;
	fake.skipped = REFRESH_FOREIGN;
	snprintf(path, sizeof(path), "%s/it ran", s.tree.root);
	snprintf(text, sizeof(text), "touch '%s'", path);
	set_reload(&s, text);
	start(&s);
	finish_command(&s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(s.d.state.refreshes, 1);
	assert_int_equal(s.d.state.failures, 0);
	set_reload(&s, "false");
	run(&s, 150000);
	daemon_event(&s.d, "kmsg", "");
	finish_command(&s);
	assert_int_equal(s.d.state.failures, 1);
	assert_string_equal(s.d.state.error, "the reload command ended with status 1");
	set_reload(&s, "/no/such/program");
	daemon_event(&s.d, "kmsg", "");
	finish_command(&s);
	assert_in_range(s.d.state.failures, 2, 3); /* by the event, by a retry, or both */
	assert_string_equal(s.d.state.error,
			    "/no/such/program: No such file or directory");
	end(&s);
	daemon_options_free(&s.options);
}

static size_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (size_t)st.st_size;
}

/* Our own image: at once if no attempt of ours can succeed, else after the third. */
static void test_command_own(void **state)
{
	static const int hopeless[] = { -ESTALE, -ENOENT, -EPERM, -EACCES };
	char path[160], text[200];
	struct setup s;

	(void)state;
	begin(&s);
	snprintf(path, sizeof(path), "%s/runs", s.tree.root);
	snprintf(text, sizeof(text), "sh -c 'echo >>%s'", path);
	set_reload(&s, text);
	start(&s);
	for (size_t i = 0; i < COUNT(hopeless); i++) {
		run(&s, 300000);
		fake.result = hopeless[i];
		daemon_event(&s.d, "signal", "");
		finish_command(&s);
		assert_int_equal(size_of(path), i + 1);
		assert_int_equal(s.d.state.failures, 0);
	}
	run(&s, 300000);
	fake.result = -EIO;
	fake.count = 0;
	daemon_event(&s.d, "signal", "");
	assert_int_equal(s.d.state.failures, 1);
	run(&s, 1500000); /* the first retry */
	assert_int_equal(s.d.state.failures, 2);
	assert_int_equal(size_of(path), COUNT(hopeless));
	finish_command(&s); /* the second */
	assert_int_equal(fake.count, 3);
	assert_int_equal(size_of(path), COUNT(hopeless) + 1);
	assert_int_equal(s.d.state.failures, 2);
	/* It need not run where nothing is to be done. */
	run(&s, 300000);
	fake.skipped = REFRESH_SEED_OFF;
	fake.result = -ENODATA;
	daemon_event(&s.d, "signal", "");
	run(&s, 300000);
	assert_int_equal(size_of(path), COUNT(hopeless) + 1);
	end(&s);
	daemon_options_free(&s.options);
}

/* The command's image has no recipe: the daemon itself knows the generation. */
static void test_command_doubt(void **state)
{
	char path[160], text[200];
	struct setup s;

	(void)state;
	begin(&s);
	fake.result = -ENODATA;
	fake.skipped = REFRESH_FOREIGN;
	s.options.source.vmgenid_addr = 8;
	tree_put(&s.tree, "dev/mem", "........0123456789abcdef");
	snprintf(path, sizeof(path), "%s/runs", s.tree.root);
	snprintf(text, sizeof(text), "sh -c 'echo >>%s'", path);
	set_reload(&s, text);
	start(&s);
	finish_command(&s);
	assert_int_equal(size_of(path), 1);
	run(&s, 300000);
	s.d.host.missed(&s.d, &source_kmsg);
	run(&s, 500000);
	assert_int_equal(fake.count, 2);
	assert_int_equal(size_of(path), 1);
	assert_int_equal(s.d.state.failures, 0);
	tree_put(&s.tree, "dev/mem", "........0123456789abcdeF");
	s.d.host.missed(&s.d, &source_kmsg);
	finish_command(&s);
	assert_int_equal(size_of(path), 2);
	run(&s, 300000);
	daemon_event(&s.d, "signal", "");
	finish_command(&s);
	assert_int_equal(size_of(path), 3);
	end(&s);
	daemon_options_free(&s.options);
}

/* False for a process that is gone, or a zombie nobody has reaped yet. */
static bool is_alive(const char *stat_path)
{
	FILE *file = fopen(stat_path, "r");
	char kind = 'Z';

	if (file && fscanf(file, "%*d (sleep) %c", &kind) != 1)
		kind = 'Z';
	if (file)
		fclose(file);
	return kind != 'Z';
}

/*
 * The command and its children are killed although they ignore SIGTERM. The event that
 * arrived in between then starts it again, so only the first line is of the first run.
 */
static void test_command_late(void **state)
{
	uint64_t began = daemon_now();
	char path[160], text[300];
	struct setup s;
	FILE *file;
	pid_t pid;

	(void)state;
	begin(&s);
	fake.result = -ENODATA;
	fake.skipped = REFRESH_FOREIGN;
	snprintf(path, sizeof(path), "%s/pid", s.tree.root);
	snprintf(text, sizeof(text),
		 "sh -c 'trap \"\" TERM; sleep 77 & echo $! >>%s; wait; sleep 77'", path);
	set_reload(&s, text);
	start(&s);
	run(&s, 300000);
	assert_int_equal(fake.count, 1);
	daemon_event(&s.d, "kmsg", ""); /* to be remembered */
	while (!s.d.state.failures && daemon_now() < began + 14000000)
		run(&s, 100000);
	assert_in_range(daemon_now() - began, 3500000, 15000000);
	assert_int_equal(s.d.state.failures, 1);
	assert_string_equal(s.d.state.error, "the reload command took too long");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (is_alive(path) && daemon_now() < began + 20000000)
		usleep(20000);
	assert_false(is_alive(path));
	end(&s);
	daemon_options_free(&s.options);
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
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_late),
		cmocka_unit_test(test_one_only),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_loaded_instead),
		cmocka_unit_test(test_blind_flood),
		cmocka_unit_test(test_command_doubt),
		cmocka_unit_test(test_command_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
