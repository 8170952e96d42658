// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's loop with a refresh that only counts: how many there are for how many
 * events, what happens when they fail, and the command for images that are not ours.
 */
#include "kexec_seed/daemon_core.h"

#include "check.h"
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the stand-in for refresh_run() does and has done: it gets no context. */
static struct {
	unsigned int count;
	uint64_t last;
	int result;
	enum refresh_verdict verdict;
	bool lost, restore;
	char source[24];
} fake;

static int fake_refresh(const struct refresh_request *req, struct refresh_result *out,
			struct error *err)
{
	fake.count++;
	fake.last = daemon_now();
	snprintf(fake.source, sizeof(fake.source), "%s", req->source);
	*out = (struct refresh_result){ .way = REFRESH_DYNAMIC,
					.verdict = fake.verdict,
					.lost = fake.lost };
	fake.restore = req->restore;
	return fake.result ? error_set(err, -fake.result, "as the test wants it") : 0;
}

struct setup {
	struct tree tree;
	char run[96];
	struct daemon_options options;
	struct daemon d;
};

static void begin(struct setup *s)
{
	memset(&fake, 0, sizeof(fake));
	memset(s, 0, sizeof(*s));
	tree_make(&s->tree);
	snprintf(s->run, sizeof(s->run), "%s/run", s->tree.root);
	s->options = (struct daemon_options){
		.window_ms = 100,
		.poll_ms = 20,
		.reload_timeout = 1,
		.root = s->tree.root,
		.run = s->run,
	};
}

static void start(struct setup *s)
{
	struct error err;

	assert_int_equal(daemon_open(&s->d, &s->options, fake_refresh, &err), 0);
}

static void end(struct setup *s)
{
	daemon_close(&s->d);
	tree_remove(&s->tree, "");
}

/* Lets the loop go on for a while. */
static void run(struct setup *s, uint64_t us)
{
	uint64_t stop = daemon_now() + us, now;

	while ((now = daemon_now()) < stop)
		assert_true(sd_event_run(s->d.loop, stop - now) >= 0);
}

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
	assert_int_equal(fake.count, 1);
	assert_string_equal(fake.source, "start");
	/* the first event after a quiet time: at once, without the loop */
	run(&s, 150000);
	daemon_event(&s.d, "kmsg", "");
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "kmsg");
	/* the second one: within the window */
	daemon_event(&s.d, "uevent", "00ff");
	assert_int_equal(fake.count, 2);
	run(&s, 150000);
	assert_int_equal(fake.count, 3);
	assert_string_equal(fake.source, "uevent");
	run(&s, 300000);
	assert_int_equal(fake.count, 3);
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
			sd_event_run(s.d.loop, 0);
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
	s.options.window_ms = 1; /* many refreshes, too */
	start(&s);
	for (int i = 0; i < 10000; i++)
		daemon_event(&s.d, "kmsg", "");
	run(&s, 10000);
	files = open_files();
	memory = mallinfo2().uordblks;
	for (int i = 0; i < 1000000; i++) {
		daemon_event(&s.d, i & 1 ? "kmsg" : "uevent", "0123");
		if (i % 64 == 0)
			sd_event_run(s.d.loop, 0);
	}
	run(&s, 50000);
	assert_int_equal(open_files(), files);
	assert_in_range(mallinfo2().uordblks, 0, memory + 4096);
	end(&s);
}

/* Pure: no waiting for five minutes. */
static void test_backoff(void **state)
{
	static const unsigned int delays[] = {
		1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300
	};
	struct pace p = pace_make(100000);
	uint64_t now = 5, at;

	(void)state;
	assert_false(pace_due(&p, &at));
	pace_event(&p, now);
	for (size_t i = 0; i < COUNT(delays); i++) {
		assert_true(pace_due(&p, &at));
		now = at > now ? at : now;
		pace_begin(&p);
		assert_false(pace_due(&p, &at));
		pace_end(&p, now, false);
		assert_true(pace_due(&p, &at));
		assert_int_equal(at - now, delays[i] * 1000000ull);
	}
	/* an event does not wait for that */
	now += 10000000;
	pace_event(&p, now);
	assert_true(pace_due(&p, &at) && at <= now);
	pace_begin(&p);
	pace_event(&p, now); /* while it is at work */
	pace_end(&p, now, true);
	assert_true(pace_due(&p, &at));
	assert_int_equal(at, now + 100000);
	pace_begin(&p);
	pace_end(&p, at, true);
	assert_false(pace_due(&p, &at));
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
	assert_string_equal(told.error, "as the test wants it");
	assert_int_equal(told.failures, 1);
	fake.result = 0;
	run(&s, 1200000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "start");
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.error, "");
	/* what nobody can mend by trying again */
	fake.result = -ENOENT;
	fake.verdict = REFRESH_NOTHING_LOADED;
	daemon_event(&s.d, "kmsg", "");
	fake.result = -ENODATA;
	fake.verdict = REFRESH_FOREIGN;
	run(&s, 200000);
	daemon_event(&s.d, "kmsg", "");
	run(&s, 1500000);
	assert_int_equal(fake.count, 4);
	assert_int_equal(s.d.state.failures, 2);
	/* a refresh that has lost the crash kernel is tried again, and may load it */
	fake.result = -EIO;
	fake.verdict = REFRESH_TRIED;
	fake.lost = true;
	daemon_event(&s.d, "kmsg", "");
	assert_int_equal(fake.count, 5);
	assert_false(fake.restore);
	fake.result = 0;
	fake.lost = false;
	run(&s, 1500000);
	assert_int_equal(fake.count, 6);
	assert_true(fake.restore);
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

static void test_command(void **state)
{
	char path[160], text[200];
	struct stat st;
	struct setup s;

	(void)state;
	begin(&s);
	fake.result = -ENODATA;
	fake.verdict = REFRESH_FOREIGN;
	snprintf(path, sizeof(path), "%s/it ran", s.tree.root);
	snprintf(text, sizeof(text), "touch '%s'", path);
	set_reload(&s, text);
	start(&s);
	run(&s, 500000);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(s.d.state.refreshes, 1);
	assert_int_equal(s.d.state.failures, 0);
	set_reload(&s, "false");
	daemon_event(&s.d, "kmsg", "");
	run(&s, 500000);
	assert_int_equal(s.d.state.failures, 1);
	assert_string_equal(s.d.state.error, "the reload command ended with status 1");
	set_reload(&s, "/no/such/program");
	daemon_event(&s.d, "kmsg", "");
	assert_int_equal(s.d.state.failures, 2);
	end(&s);
	daemon_options_free(&s.options);
}

/* What is gone is not, and no zombie that nobody has reaped yet. */
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
 * It and what it has started are ended, though neither wants to. The event that came
 * meanwhile then starts it once more: the first line is the first one's.
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
	fake.verdict = REFRESH_FOREIGN;
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
	assert_int_equal(daemon_open(&other, &s.options, fake_refresh, &err), -EBUSY);
	daemon_close(&other);
	/* /run is wiped: a second later all is there again */
	tree_remove(&s.tree, "run");
	run(&s, 1500000);
	assert_int_equal(daemon_open(&other, &s.options, fake_refresh, &err), -EBUSY);
	daemon_close(&other);
	end(&s);
}

/* With a manager, which has made the folder and alone can make it again. */
static void test_no_folder(void **state)
{
	struct setup s;
	uint64_t stop;
	int code = 0;

	(void)state;
	begin(&s);
	start(&s);
	tree_remove(&s.tree, "run");
	tree_put(&s.tree, "run", "no folder");
	run(&s, 1500000);
	assert_int_equal(s.d.lock, -1);
	/* without one it goes on, and has the state again as soon as that can be */
	tree_remove(&s.tree, "run");
	raise(SIGHUP);
	run(&s, 200000);
	assert_in_range(s.d.lock, 0, INT_MAX);
	setenv("NOTIFY_SOCKET", "/dev/null", 1);
	tree_remove(&s.tree, "run");
	tree_put(&s.tree, "run", "no folder");
	stop = daemon_now() + 3000000;
	while (sd_event_get_state(s.d.loop) != SD_EVENT_FINISHED && daemon_now() < stop)
		sd_event_run(s.d.loop, 100000);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(sd_event_get_exit_code(s.d.loop, &code), 0);
	assert_int_equal(code, -ESTALE);
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
	assert_int_equal(sd_event_loop(s.d.loop), 0);
	end(&s);
}

/*
 * What another process says over netlink, to all or to us alone. Who may not even send it
 * needs no test.
 */
static void test_forged(void **state)
{
	static const char message[] =
		"change@/devices/x\0ACTION=change\0DEVPATH=/devices/x\0"
		"SUBSYSTEM=acpi\0NEW_VMGENID=1\0SEQNUM=1";
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct sockaddr_nl us = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof(us);
	struct setup s;
	int fd;

	(void)state;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	assert_true(fd >= 0);
	begin(&s);
	s.options.sources = SOURCE_UEVENT;
	start(&s);
	assert_int_equal(s.d.sources.all[0].level, SOURCE_WAITING);
	assert_int_equal(
		getsockname(s.d.sources.all[0].fd, (struct sockaddr *)&us, &size), 0);
	sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&all, sizeof(all));
	us.nl_groups = 0;
	sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&us, sizeof(us));
	run(&s, 300000);
	assert_int_equal(fake.count, 1);
	close(fd);
	end(&s);
}

/*
 * More messages than the socket holds: the kernel says so once, and is silent about all that
 * it drops from then on until the queue is empty. In a namespace where nobody else listens.
 */
static void test_overrun(void **state)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	char message[1024] = "a message of no meaning";
	struct setup s;
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	begin(&s);
	s.options.sources = SOURCE_UEVENT;
	start(&s);
	run(&s, 150000);
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(sendto(fd, message, sizeof(message), 0,
					(struct sockaddr *)&all, sizeof(all)),
				 sizeof(message));
	run(&s, 300000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "uevent");
	/* with a socket that has missed nothing yet */
	run(&s, 1500000);
	assert_int_equal(fake.count, 3);
	assert_string_equal(fake.source, "sources");
	close(fd);
	end(&s);
}

/* A stand-in for /dev/kmsg: the writer's end stays open. */
static void test_kmsg(void **state)
{
	static const char line[] =
		"5,1,2,-;random: crng reseeded due to virtual machine fork\n";
	char path[160];
	struct setup s;
	int fd;

	(void)state;
	begin(&s);
	tree_put(&s.tree, "dev/x", "");
	snprintf(path, sizeof(path), "%s/dev/kmsg", s.tree.root);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	s.options.sources = SOURCE_KMSG;
	start(&s);
	assert_int_equal(s.d.sources.all[1].level, SOURCE_WAITING);
	run(&s, 150000);
	assert_int_equal(write(fd, "6,1,2,-;hello\n", 14), 14);
	run(&s, 50000);
	assert_int_equal(fake.count, 1);
	assert_int_equal(write(fd, line, sizeof(line) - 1), sizeof(line) - 1);
	run(&s, 50000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "kmsg");
	close(fd);
	end(&s);
}

/* And for /dev/mem and /dev/vmclock0: files. */
static void test_polled(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1", memory[64] = { 0 };
	struct setup s;

	(void)state;
	begin(&s);
	clock[25] = 1; /* flags: it counts */
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	tree_put_bytes(&s.tree, "dev/mem", memory, sizeof(memory));
	s.options.sources = SOURCE_VMCLOCK | SOURCE_GENID;
	s.options.vmgenid_addr = 0x20;
	start(&s);
	assert_int_equal(s.d.sources.all[2].level, SOURCE_ACTIVE);
	assert_int_equal(s.d.sources.all[3].level, SOURCE_INACTIVE);
	run(&s, 400000);
	assert_int_equal(fake.count, 1);
	clock[104] = 7;
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	run(&s, 400000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(s.d.state.event_generation, "0000000000000007");
	/* the hypervisor has lost it: the next best one */
	s.options.sources = SOURCE_GENID;
	raise(SIGHUP);
	run(&s, 400000);
	assert_int_equal(fake.count, 3);
	assert_int_equal(s.d.sources.all[3].level, SOURCE_ACTIVE);
	memory[0x2f] = 0xab;
	tree_put_bytes(&s.tree, "dev/mem", memory, sizeof(memory));
	run(&s, 400000);
	assert_int_equal(fake.count, 4);
	assert_string_equal(s.d.state.event_generation,
			    "000000000000000000000000000000ab");
	end(&s);
}

/* At the moment at which it is opened the hypervisor is at work on it. */
static void test_busy_clock(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1";
	struct setup s;

	(void)state;
	begin(&s);
	clock[12] = 1; /* seq_count */
	clock[25] = 1;
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	s.options.sources = SOURCE_VMCLOCK;
	start(&s);
	assert_int_equal(s.d.sources.all[2].level, SOURCE_INACTIVE);
	clock[12] = 2;
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	run(&s, 1500000);
	assert_int_equal(s.d.sources.all[2].level, SOURCE_ACTIVE);
	assert_string_equal(fake.source, "sources");
	end(&s);
}

/* It is known at once that a source has failed, and not only when it is tried again. */
static void test_failed_source(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1";
	struct daemon_state told;
	struct error err;
	struct setup s;

	(void)state;
	begin(&s);
	clock[25] = 1; /* flags: it counts */
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	s.options.sources = SOURCE_VMCLOCK;
	start(&s);
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.sources[2].state, "active");
	tree_put(&s.tree, "dev/vmclock0", "");
	run(&s, 500000);
	assert_int_equal(fake.count, 2);
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.sources[2].state, "inactive: it is too short");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),	      cmocka_unit_test(test_flood),
		cmocka_unit_test(test_million),	      cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_retry),	      cmocka_unit_test(test_command),
		cmocka_unit_test(test_one_only),      cmocka_unit_test(test_command_late),
		cmocka_unit_test(test_signals),	      cmocka_unit_test(test_forged),
		cmocka_unit_test(test_kmsg),	      cmocka_unit_test(test_polled),
		cmocka_unit_test(test_overrun),	      cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_failed_source), cmocka_unit_test(test_busy_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
