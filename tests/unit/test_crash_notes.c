// SPDX-License-Identifier: GPL-2.0-only
#include "machine/crash_notes.h"

#include "check.h"
#include "fake_kcore.h"
#include "tree.h"

#include <errno.h>

#define CPU "sys/devices/system/cpu/"

/* A machine with CPUs 0, 2 and 10, and with CPU 3, which stays offline. */
static int setup(void **state)
{
	static struct tree t;
	struct fake_kcore f;

	tree_make(&t);
	fake_kcore_make(&f);
	tree_put_bytes(&t, "proc/kcore", &f, offsetof(struct fake_kcore, ram));
	tree_put(&t, CPU "cpu10/crash_notes", "10a000\n");
	tree_put(&t, CPU "cpu10/crash_notes_size", "368\n");
	tree_put(&t, CPU "cpu2/crash_notes", "102000\n");
	tree_put(&t, CPU "cpu2/crash_notes_size", "368\n");
	tree_put(&t, CPU "cpu0/crash_notes", "13f41a2b8\n");
	tree_put(&t, CPU "cpu0/crash_notes_size", "368\n");
	tree_put(&t, CPU "cpu3/online", "0\n");
	tree_put(&t, CPU "cpufreq/boost", "0\n");
	tree_put(&t, CPU "cpu01/crash_notes", "rubbish\n");
	tree_put(&t, CPU "possible", "0-3\n");
	tree_put(&t, "sys/kernel/vmcoreinfo", "0x0000000003ae8000 1024\n");
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	tree_remove(*state, "");
	return 0;
}

static void assert_note(const struct crash_note *n, uint64_t addr, uint64_t size)
{
	assert_int_equal(n->addr, addr);
	assert_int_equal(n->size, size);
}

static void test_all(void **state)
{
	const struct tree *t = *state;
	struct error err = { "" };
	struct crash_notes d;

	assert_int_equal(crash_notes_read(t->root, &d, &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(d.nr_cpus, 3);
	assert_note(&d.cpus[0], 0x13f41a2b8, 368);
	assert_note(&d.cpus[1], 0x102000, 368);
	assert_note(&d.cpus[2], 0x10a000, 368);
	assert_note(&d.vmcoreinfo, 0x3ae8000, 0x1024);
	assert_int_equal(d.text_vaddr, FAKE_TEXT);
	assert_int_equal(d.text_paddr, FAKE_TEXT_PHYS);
	assert_int_equal(d.text_size, FAKE_TEXT_SIZE);
	assert_int_equal(d.direct_map, FAKE_DIRECT_MAP);
	assert_int_equal(d.hotplug_size, 0);
	crash_notes_free(&d);
	assert_null(d.cpus);
	crash_notes_free(&d); /* harmless */

	tree_put(t, "sys/kernel/crash_elfcorehdr_size", "593920\n");
	assert_int_equal(crash_notes_read(t->root, &d, &err), 0);
	assert_int_equal(d.hotplug_size, 593920);
	crash_notes_free(&d);
	tree_put(t, "sys/kernel/kexec/crash_elfcorehdr_size", "917616\n");
	assert_int_equal(crash_notes_read(t->root, &d, &err), 0);
	assert_int_equal(d.hotplug_size, 917616);
	crash_notes_free(&d);
	tree_remove(t, "sys/kernel/kexec");
}

static void assert_fails(const struct tree *t, int code, const char *text)
{
	struct error err = { "" };
	struct crash_notes d;

	assert_int_equal(crash_notes_read(t->root, &d, &err), -code);
	if (!strstr(err.text, text))
		fail_msg("'%s' is not in: %s", text, err.text);
	assert_null(d.cpus);
	assert_int_equal(d.nr_cpus, 0);
}

static void test_missing(void **state)
{
	static const char *const files[] = { "sys/kernel/vmcoreinfo", "proc/kcore",
					     "sys/devices/system/cpu" };
	const struct tree *t = *state;

	tree_remove(t, CPU "cpu2/crash_notes_size");
	assert_fails(t, EINVAL, "cpu2/crash_notes_size");
	tree_put(t, CPU "cpu2/crash_notes_size", "368\n");
	for (size_t i = 0; i < COUNT(files); i++) {
		tree_remove(t, files[i]);
		assert_fails(t, ENOENT, files[i]);
		teardown(state);
		setup(state);
	}
}

static void test_no_crash_kernels(void **state)
{
	const struct tree *t = *state;

	tree_remove(t, CPU "cpu0");
	tree_remove(t, CPU "cpu2");
	tree_remove(t, CPU "cpu10");
	assert_fails(t, ENOENT, "no CPU has crash_notes");
}

/* A dump that lacks the registers of some CPUs would look complete. */
static void test_folder_cannot_be_read(void **state)
{
	const struct tree *t = *state;

	for (int i = 0; i <= 9; i++) { /* ".", "..", seven more and the end */
		tree_readdir_fails(i);
		assert_fails(t, EIO, "sys/devices/system/cpu");
	}
	tree_readdir_fails(-1);
}

static void test_nonsense(void **state)
{
	static const struct {
		const char *path;
		const char *text;
	} cases[] = {
		{ CPU "cpu2/crash_notes", "" },
		{ CPU "cpu2/crash_notes", "\n" },
		{ CPU "cpu2/crash_notes", "0\n" },
		{ CPU "cpu2/crash_notes", "fffffffffffffff0\n" },
		{ CPU "cpu2/crash_notes", "10000000000000000\n" },
		{ CPU "cpu2/crash_notes", "here\n" },
		{ CPU "cpu2/crash_notes_size", "0\n" },
		{ CPU "cpu2/crash_notes_size", "-1\n" },
		{ CPU "cpu2/crash_notes_size", "99999999999\n" },
		{ "sys/kernel/vmcoreinfo", "" },
		{ "sys/kernel/vmcoreinfo", "0x1000\n" },
		{ "sys/kernel/vmcoreinfo", "0x1000 \n" },
		{ "sys/kernel/vmcoreinfo", "0x1000 0\n" },
		{ "sys/kernel/vmcoreinfo", "0x0 1024\n" },
		{ "sys/kernel/vmcoreinfo", "0x1000 1024 1\n" },
		{ "sys/kernel/vmcoreinfo", "0xffffffffffffff00 1024\n" },
		{ "sys/kernel/crash_elfcorehdr_size", "-1\n" },
		{ "sys/kernel/crash_elfcorehdr_size", "\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct tree *t = *state;

		tree_put(t, cases[i].path, cases[i].text);
		assert_fails(t, EINVAL, cases[i].path);
		teardown(state);
		setup(state);
	}
}

static void test_too_long_a_file(void **state)
{
	const struct tree *t = *state;
	char text[5000];

	memset(text, '1', sizeof(text));
	tree_put_bytes(t, CPU "cpu0/crash_notes", text, sizeof(text));
	assert_fails(t, EFBIG, "cpu0/crash_notes");
}

static void test_kcore_without_a_map(void **state)
{
	const struct tree *t = *state;
	struct fake_kcore f;

	fake_kcore_make(&f);
	f.segments[FAKE_KERNEL].p_paddr = UINT64_MAX;
	tree_put_bytes(t, "proc/kcore", &f, sizeof(f));
	assert_fails(t, EBADMSG, "where the kernel maps its own text");
	fake_kcore_make(&f);
	f.segments[FAKE_RAM].p_vaddr += 1;
	tree_put_bytes(t, "proc/kcore", &f, sizeof(f));
	assert_fails(t, EBADMSG, "where the kernel maps physical memory");
	tree_put(t, "proc/kcore", "rubbish");
	assert_fails(t, EBADMSG, "proc/kcore: not the memory of an x86_64 kernel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_crash_kernels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_cannot_be_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_long_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kcore_without_a_map, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
