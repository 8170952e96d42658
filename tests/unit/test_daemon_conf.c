// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's configuration and its state file. */
#include "kexec_seed/daemon/conf.h"
#include "kexec_seed/daemon/options.h"
#include "kexec_seed/daemon/state.h"

#include "base/text.h"
#include "check.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int parse(const struct tree *t, struct daemon_options *o, struct error *err,
		 const char *a, const char *b)
{
	static char config[128];
	char *argv[] = { "daemon", config, (char *)a, (char *)b, NULL };
	int argc = 2 + (a != NULL) + (b != NULL);

	snprintf(config, sizeof(config), "--config=%s/conf", t->root);
	return daemon_options_parse(argc, argv, o, err);
}

static void test_files(void **state)
{
	static char large[CONF_SIZE_MAX + 1];
	struct daemon_options o;
	struct error err;
	struct tree t;

	(void)state;
	tree_make(&t);
	assert_int_equal(parse(&t, &o, &err, NULL, NULL), -EINVAL); /* missing */
	assert_non_null(strstr(err.text, "/conf: No such file"));
	tree_put(&t, "conf", "");
	assert_int_equal(parse(&t, &o, &err, NULL, NULL), 0);
	assert_int_equal(o.source.enabled, SOURCE_ALL);
	assert_int_equal(o.window_ms, 100);
	assert_null(o.reload);
	tree_put(&t, "conf",
		 "# all keys\n\n sources = uevent, genid\nevery=60\n"
		 "reload-command = kdump-config 'reload now' # word\nwindow-ms =\t5\n");
	tree_put(&t, "conf.d/20.conf", "every = 20\n");
	tree_put(&t, "conf.d/10.conf", "every = 10\npoll-ms = 50");
	tree_put(&t, "conf.d/30.conf~", "nonsense\n");
	tree_put(&t, "conf.d/.hidden.conf", "nonsense\n");
	assert_int_equal(parse(&t, &o, &err, "--vmgenid-addr=0xabc8", NULL), 0);
	assert_int_equal(o.source.enabled, 1u << SOURCE_uevent | 1u << SOURCE_genid);
	assert_int_equal(o.every, 20);
	assert_int_equal(o.source.poll_ms, 50);
	assert_int_equal(o.window_ms, 5);
	assert_int_equal(o.source.vmgenid_addr, 0xabc8);
	assert_string_equal(o.reload[1], "reload now");
	assert_string_equal(o.reload[2], "#");
	daemon_options_free(&o);
	/* The command line takes precedence. */
	assert_int_equal(parse(&t, &o, &err, "--every=7", "--reload-command="), 0);
	assert_int_equal(o.every, 7);
	assert_null(o.reload);
	/* Restarting the service cannot help, so this is EINVAL too. */
	memset(large, '#', sizeof(large));
	tree_put_bytes(&t, "conf.d/40.conf", large, sizeof(large));
	assert_int_equal(parse(&t, &o, &err, NULL, NULL), -EINVAL);
	assert_non_null(strstr(err.text, "40.conf: File too large"));
	tree_remove(&t, "conf.d");
	tree_put(&t, "conf.d", "not a folder");
	assert_int_equal(parse(&t, &o, &err, NULL, NULL), -EINVAL);
	tree_remove(&t, "");
}

static void test_errors(void **state)
{
	static const char *const lines[][2] = {
		{ "evry = 1", "unknown key 'evry'" },
		{ "every", "not of the form 'key = value'" },
		{ "= 1", "there is no key in front of '='" },
		{ "every = 1s", "every: '1s' is not a number from 0 to 31536000" },
		{ "every =", "every: '' is not a number from 0 to 31536000" },
		{ "every = 99999999999", "every: '99999999999' is not a number" },
		{ "window-ms = 0", "window-ms: '0' is not a number from 1 to 10000" },
		{ "sources = uevent,foo",
		  "sources: 'foo' is none of uevent, kmsg, vmclock or genid" },
		{ "sources =", "sources: no name" },
		{ "sources = ,", "sources: '' is none of uevent" },
		{ "reload-command = 'a", "reload-command: a quote that is not closed" },
		{ "vmgenid-addr = 0x11", "vmgenid-addr: '0x11' is not a multiple of 8" },
		{ "vmgenid-addr =", "vmgenid-addr: '': not a number: 0x and hexa" },
		{ "vmgenid-addr = abc8",
		  "vmgenid-addr: 'abc8': not a number: 0x and hexa" },
		{ "config = x", "unknown key 'config'" },
	};
	struct daemon_options o;
	struct error err;
	struct tree t;

	(void)state;
	tree_make(&t);
	for (size_t i = 0; i < COUNT(lines); i++) {
		char text[128], expected[256];

		snprintf(text, sizeof(text), "# one\n\n%s\nevery = 3\n", lines[i][0]);
		tree_put(&t, "conf.d/1.conf", text);
		snprintf(expected, sizeof(expected), "%s/conf.d/1.conf:3: %s", t.root,
			 lines[i][1]);
		assert_int_equal(parse(&t, &o, &err, NULL, NULL), -EINVAL);
		assert_memory_equal(err.text, expected, strlen(expected));
	}
	tree_put_bytes(&t, "conf.d/1.conf", "every = 1\0 2\n", 13);
	assert_int_equal(parse(&t, &o, &err, NULL, NULL), -EINVAL);
	tree_put(&t, "conf.d/1.conf", "");
	assert_int_equal(parse(&t, &o, &err, "--evry=1", NULL), -EINVAL);
	assert_string_equal(err.text, "--evry=1: no such option");
	assert_int_equal(parse(&t, &o, &err, "--every", NULL), -EINVAL);
	assert_string_equal(err.text, "--every needs a value");
	assert_int_equal(parse(&t, &o, &err, "word", NULL), -EINVAL);
	assert_string_equal(err.text, "unexpected argument 'word'");
	assert_int_equal(parse(&t, &o, &err, "--every=x", NULL), -EINVAL);
	tree_put(&t, "conf/a-folder", "");
	assert_int_equal(parse(&t, &o, &err, NULL, NULL), -EINVAL);
	tree_remove(&t, "");
}

/* As `kexec --vmgenid-addr=` reads it: test_options.c has the same cases. */
static void test_vmgenid_addr(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t addr;
	} cases[] = {
		{ "0", true, 0 },
		{ "0x0", true, 0 },
		{ "0x3ffff028", true, 0x3ffff028 },
		{ "0x3FFFF028", true, 0x3ffff028 },
		{ "1073737768", true, 0x3ffff028 },
		{ "16", true, 16 },
		{ "0xfffffffffffffff8", true, 0xfffffffffffffff8 },
		{ "18446744073709551608", true, 0xfffffffffffffff8 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "010", false, 0 }, /* octal 8, decimal 10 or hexadecimal 16 */
		{ "00000010", false, 0 },
		{ "3ffff028", false, 0 }, /* hexadecimal without 0x */
		{ "abc8", false, 0 },
		{ "0X10", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "-8", false, 0 },
		{ "+8", false, 0 },
		{ "8 8", false, 0 },
		{ "8x", false, 0 },
	};
	struct daemon_options o;
	struct error err;
	struct tree t;

	(void)state;
	tree_make(&t);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char line[128], option[128];
		int expected = cases[i].ok ? 0 : -EINVAL;

		snprintf(line, sizeof(line), "vmgenid-addr = %s\n", cases[i].text);
		snprintf(option, sizeof(option), "--vmgenid-addr=%s", cases[i].text);
		tree_put(&t, "conf", line);
		assert_int_equal(parse(&t, &o, &err, NULL, NULL), expected);
		if (cases[i].ok)
			assert_int_equal(o.source.vmgenid_addr, cases[i].addr);
		else
			assert_non_null(strstr(err.text, TEXT_NUMBER_RULE));
		tree_put(&t, "conf", "");
		assert_int_equal(parse(&t, &o, &err, option, NULL), expected);
		if (cases[i].ok)
			assert_int_equal(o.source.vmgenid_addr, cases[i].addr);
		else
			assert_non_null(strstr(err.text, TEXT_NUMBER_RULE));
	}
	tree_remove(&t, "");
}

static const struct daemon_state sample = {
	.pid = 4711,
	.started = 1795321544,
	.sources = { { "uevent", "active" }, { "kmsg", "inactive: a = b\nc" } },
	.nr_sources = 2,
	.event_source = "uevent",
	.event_generation = "00ff",
	.event_time = 1795321545,
	.events = UINT32_MAX + 1ull,
	.refreshes = 3,
	.failures = 1,
	.error = "it did not work",
};

static void test_state(void **state)
{
	struct daemon_state s;
	struct error err;
	char dir[128], path[160];
	struct tree t;
	struct stat st;
	int lock;

	(void)state;
	tree_make(&t);
	snprintf(dir, sizeof(dir), "%s/run", t.root);
	snprintf(path, sizeof(path), "%s/daemon.state", dir);
	assert_int_equal(daemon_state_read(dir, &s, &err), -ENOENT);
	lock = daemon_state_lock(dir, -1, &err);
	assert_true(lock >= 0);
	assert_int_equal(daemon_state_lock(dir, -1, &err), -EBUSY);
	assert_int_equal(daemon_state_lock(dir, lock, &err), lock);
	assert_int_equal(daemon_state_read(dir, &s, &err), -ENOENT);
	assert_true(s.running);
	assert_int_equal(daemon_state_write(dir, &sample, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(daemon_state_read(dir, &s, &err), 0);
	assert_true(s.running);
	assert_int_equal(s.pid, 4711);
	assert_int_equal(s.nr_sources, 2);
	assert_string_equal(s.sources[1].state, "inactive: a = b?c");
	assert_string_equal(s.event_generation, "00ff");
	assert_int_equal(s.events, UINT32_MAX + 1ull);
	assert_string_equal(s.error, "it did not work");
	/* Readers need no write access. */
	if (mount(dir, dir, NULL, MS_BIND, NULL) == 0) {
		mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
		assert_int_equal(daemon_state_read(dir, &s, &err), 0);
		assert_int_equal(umount2(dir, MNT_DETACH), 0);
		assert_true(s.running);
	}
	/* The lock was replaced. */
	snprintf(path, sizeof(path), "%s/daemon.lock", dir);
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_CLOEXEC, 0600));
	lock = daemon_state_lock(dir, lock, &err);
	assert_int_equal(daemon_state_lock(dir, -1, &err), -EBUSY);
	/* The folder was wiped. */
	tree_remove(&t, "run");
	lock = daemon_state_lock(dir, lock, &err);
	assert_true(lock >= 0);
	assert_int_equal(daemon_state_write(dir, &sample, &err), 0);
	assert_int_equal(daemon_state_read(dir, &s, &err), 0);
	assert_true(s.running);
	close(lock);
	assert_int_equal(daemon_state_read(dir, &s, &err), 0);
	assert_false(s.running);
	tree_mode(&t, "run", 0755);
	assert_int_equal(daemon_state_read(dir, &s, &err), -EPERM);
	assert_int_equal(daemon_state_write(dir, &sample, &err), -EPERM);
	tree_remove(&t, "");
}

static int parse_state(const char *text, struct daemon_state *s)
{
	struct error err;

	return daemon_state_parse((struct bytes){ (const uint8_t *)text, strlen(text) },
				  s, &err);
}

static void test_state_text(void **state)
{
	static const char *const bad[] = {
		"pid=x\n",
		"pid=\n",
		"pid=4294967296\n",
		"events=99999999999999999999\n",
		"event-source=a-name-that-is-far-too-long\n",
		("source.a=\nsource.b=\nsource.c=\nsource.d=\nsource.e=\nsource.f=\n"
		 "source.g=\nsource.h=\nsource.i=\n"),
	};
	struct daemon_state s;

	(void)state;
	assert_int_equal(parse_state("", &s), 0);
	assert_int_equal(parse_state("later=unknown\npid=1\nword\n", &s), 0);
	assert_int_equal(s.pid, 1);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(parse_state(bad[i], &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	     cmocka_unit_test(test_errors),
		cmocka_unit_test(test_vmgenid_addr), cmocka_unit_test(test_state),
		cmocka_unit_test(test_state_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
