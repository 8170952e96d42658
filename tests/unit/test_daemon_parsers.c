// SPDX-License-Identifier: GPL-2.0-only
/* What the fork sources parse: records, messages, a page that changes; and commands. */
#include "kexec_seed/daemon/argv_split.h"
#include "kexec_seed/daemon/ratelimit.h"
#include "kexec_seed/sources/parse.h"
#include "machine/vmclock.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FORK "random: crng reseeded due to virtual machine fork"

static bool kmsg(const char *record)
{
	return kmsg_tells_fork((struct bytes){ (const uint8_t *)record, strlen(record) });
}

static void test_kmsg(void **state)
{
	static const char *const good[] = {
		"5,339,5140900,-;" FORK "\n",
		"5,339,5140900,-,caller=T1;" FORK "\n",
		"5,18446744073709551615,0,c;" FORK "\n SUBSYSTEM=acpi\n DEVICE=+acpi:x\n",
		("5,1,2,-;" FORK),
	};
	static const char *const bad[] = {
		"",
		";",
		";\n",
		FORK,
		"5,1,2,-",
		"5,1,2,-;",
		(";" FORK "\n"),
		("x,1,2,-;" FORK "\n"),
		"-5,1,2,-;" FORK "\n",
		"13,1,2,-;" FORK "\n", /* written by a process: facility 1 */
		"5,1,2,-;usb 1-1: Product: " FORK "\n",
		"5,1,2,-;" FORK " no\n",
		"5,1,2,-;\n" FORK "\n",
		"5,1,2,-;x\n " FORK "\n",
		"5,1,2,-;crng reseeded on system resumption\n",
	};
	char cut[128];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(kmsg(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(kmsg(bad[i]));
	for (size_t n = 0; n + 1 < strlen(good[0]); n++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)n, good[0]);
		assert_false(kmsg(cut));
	}
}

#define UEVENT(text)                                                                     \
	uevent_meaning((struct bytes){ (const uint8_t *)(text), sizeof(text) - 1 })
#define DEVICE "change@/devices/x\0ACTION=change\0DEVPATH=/devices/x\0SUBSYSTEM=acpi\0"

static void test_uevent(void **state)
{
	(void)state;
	assert_int_equal(UEVENT(DEVICE "NEW_VMGENID=1\0SEQNUM=7\0"), UEVENT_FORK);
	assert_int_equal(UEVENT(DEVICE "NEW_VMGENID=1"), UEVENT_FORK);
	assert_int_equal(UEVENT(DEVICE "NEW_VMGENID=11\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT(DEVICE "XNEW_VMGENID=1\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT(DEVICE "SYNTH_ARG_NEW_VMGENID=1\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT(DEVICE "SYNTH_UUID=0\0NEW_VMGENID=1\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT(DEVICE "NEW_VMGENID=1\0SYNTH_UUID=0\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT("NEW_VMGENID=1\0ACTION=change\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT("add@/x\0ACTION=add\0NEW_VMGENID=1\0"), UEVENT_OTHER);
	assert_int_equal(UEVENT("bind@/x\0ACTION=bind\0DRIVER=vmgenid\0"), UEVENT_DRIVER);
	assert_int_equal(UEVENT("remove@/module/vmgenid_uevent\0ACTION=remove\0"
				"DEVPATH=/module/vmgenid_uevent\0"),
			 UEVENT_DRIVER);
	assert_int_equal(UEVENT("add@/devices/virtual/misc/vmclock0\0ACTION=add\0"
				"SUBSYSTEM=misc\0DEVNAME=vmclock0\0"),
			 UEVENT_DRIVER);
	assert_int_equal(UEVENT("libudev\0\xfe\xed\xca\xfe\0NEW_VMGENID=1\0"),
			 UEVENT_OTHER);
	assert_int_equal(UEVENT(""), UEVENT_OTHER);
	assert_int_equal(UEVENT("\0\0\0"), UEVENT_OTHER);
}

/* The page of <linux/vmclock-abi.h>; only fields that are read are named. */
struct page {
	_Alignas(8) uint32_t magic;
	uint32_t size;
	uint16_t version;
	uint8_t ids[2];
	volatile uint32_t seq;
	volatile uint64_t marker;
	volatile uint64_t flags;
	uint64_t middle[9];
	volatile uint64_t generation;
	uint8_t rest[VMCLOCK_PAGE - 112];
};

_Static_assert(offsetof(struct page, generation) == 104, "the ABI's");
_Static_assert(sizeof(struct page) == VMCLOCK_PAGE, "a page");

static struct page make_page(void)
{
	return (struct page){
		.magic = 0x4b4c4356,
		.size = VMCLOCK_PAGE,
		.version = 1,
		.seq = 2,
		.flags = 0x100,
		.generation = 42,
	};
}

static void test_vmclock(void **state)
{
	struct page p = make_page();
	struct vmclock_state v;
	struct error err;

	(void)state;
	assert_int_equal(vmclock_read_page(&p, &v, &err), 0);
	assert_true(v.counted && !v.notifies && v.generation == 42);
	p.flags = 0x200;
	assert_int_equal(vmclock_read_page(&p, &v, &err), 0);
	assert_true(!v.counted && v.notifies);
	p.size = 104; /* ends before the counter */
	p.flags = 0x300;
	assert_int_equal(vmclock_read_page(&p, &v, &err), 0);
	assert_true(!v.counted && !v.notifies);
	for (size_t n = 0; n < 112; n++)
		assert_int_equal(
			vmclock_read_copy((struct bytes){ (uint8_t *)&p, n }, &v, &err),
			-EBADMSG);
	p = make_page();
	p.seq = 3;
	assert_int_equal(vmclock_read_page(&p, &v, &err), -EAGAIN);
	p = make_page();
	p.version = 2;
	assert_int_equal(vmclock_read_page(&p, &v, &err), -EBADMSG);
	p = make_page();
	p.magic++;
	assert_int_equal(vmclock_read_page(&p, &v, &err), -EBADMSG);
}

struct writer {
	struct page *page;
	volatile bool stop;
};

/* A hypervisor that keeps changing flags and generation together. */
static void *write_page(void *context)
{
	struct writer *w = context;

	for (uint64_t i = 1; !w->stop; i++) {
		w->page->seq++;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		w->page->flags = 0x100 | (i & 1) << 9;
		for (volatile int k = 0; k < 20; k++)
			;
		w->page->generation = i;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		w->page->seq++;
		for (volatile int k = 0; k < 200; k++)
			;
	}
	return NULL;
}

static void test_vmclock_writer(void **state)
{
	struct page p = make_page();
	struct writer w = { &p, false };
	unsigned int read = 0, changes = 0;
	uint64_t last = 0;
	pthread_t thread;
	bool torn = false;

	(void)state;
	p.generation = 0;
	assert_int_equal(pthread_create(&thread, NULL, write_page, &w), 0);
	while (read < 200000 || changes < 1000) {
		struct vmclock_state v;
		struct error err;

		if (vmclock_read_page(&p, &v, &err))
			continue;
		read++;
		torn |= v.notifies != (v.generation & 1) || v.generation < last;
		changes += v.generation != last;
		last = v.generation;
	}
	w.stop = true;
	pthread_join(thread, NULL);
	assert_false(torn);
}

static void check_words(const char *text, size_t count, const char *const *expected)
{
	struct error err;
	char **words;

	assert_int_equal(argv_split(text, &words, &err), 0);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(words[i], expected[i]);
	assert_null(words[count]);
	argv_free(words);
}

static void test_words(void **state)
{
	static const char *const bad[] = { "'", "a\"", "\\", "a 'b", "\"\\\"" };
	char many[2 * ARGV_MAX + 3] = "";
	struct error err;
	char **words;

	(void)state;
	check_words("kdump-config reload", 2,
		    (const char *[]){ "kdump-config", "reload" });
	check_words("  a\tb ", 2, (const char *[]){ "a", "b" });
	check_words("", 0, NULL);
	check_words("'' \"\"", 2, (const char *[]){ "", "" });
	check_words("a' b'\"c d\"\\ e", 1, (const char *[]){ "a bc d e" });
	check_words("'\\' \"\\\"\\\\\"", 2, (const char *[]){ "\\", "\"\\" });
	check_words("$HOME `x` * >y;z", 4,
		    (const char *[]){ "$HOME", "`x`", "*", ">y;z" });
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(argv_split(bad[i], &words, &err), -EINVAL);
	for (int i = 0; i < ARGV_MAX; i++)
		strcat(many, "a ");
	assert_int_equal(argv_split(many, &words, &err), 0);
	assert_null(words[ARGV_MAX]);
	argv_free(words);
	strcat(many, "b");
	assert_int_equal(argv_split(many, &words, &err), -EINVAL);
	assert_null(words);
}

/* uevent and kmsg hear the same forks, in either order. */
static void test_echoes(void **state)
{
	struct burst b = { 0 };

	(void)state;
	assert_false(burst_is_echo(&b, SOURCE_kmsg, 5, 100)); /* the first fork */
	assert_true(burst_is_echo(&b, SOURCE_uevent, 10, 100));
	assert_false(burst_is_echo(&b, SOURCE_uevent, 20, 100)); /* the second fork */
	assert_true(burst_is_echo(&b, SOURCE_kmsg, 30, 100));
	assert_false(burst_is_echo(&b, SOURCE_kmsg, 40,
				   100)); /* forks 3 and 4, late in uevent */
	assert_false(burst_is_echo(&b, SOURCE_kmsg, 50, 100));
	assert_true(burst_is_echo(&b, SOURCE_uevent, 60, 100));
	assert_true(burst_is_echo(&b, SOURCE_uevent, 70, 100));
	assert_false(burst_is_echo(&b, SOURCE_uevent, 80, 100));
	/* Nothing is an echo beyond the window. */
	assert_false(burst_is_echo(&b, SOURCE_kmsg, 106, 100));
	assert_true(burst_is_echo(&b, SOURCE_uevent, 206, 100));
	assert_false(burst_is_echo(&b, SOURCE_kmsg, 207, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kmsg),	cmocka_unit_test(test_uevent),
		cmocka_unit_test(test_vmclock), cmocka_unit_test(test_words),
		cmocka_unit_test(test_echoes),	cmocka_unit_test(test_vmclock_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
