// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's reload command, for images that no refresh can help: when it runs, how it ends,
 * and that only one runs at a time.
 */
#include "daemon_scene.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_late),
		cmocka_unit_test(test_command_doubt),
		cmocka_unit_test(test_command_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
