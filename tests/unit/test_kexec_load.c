// SPDX-License-Identifier: GPL-2.0-only
/* The arguments of the system calls, and how their errors are handled. */
#include "check.h"

#include "arch/arch.h"
#include "load/kexec_load.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 4

/* An older <linux/kexec.h> lacks these. */
#define UPDATE_ELFCOREHDR 0x4
#define FILE_DEBUG	  0x8
#define FILE_NO_CMA	  0x10

struct call {
	long number;
	unsigned long args[5];
};

static struct {
	struct call calls[CALLS_MAX];
	struct kexec_segment segments[PLAN_MAX_SEGMENTS];
	int codes[CALLS_MAX]; /* errno of each call; 0: it succeeds */
	unsigned int count;
	const char *path; /* this file */
	const char *text; /* has this content; NULL: it is missing */
} fake;

/* These two replace libc's. */
int open(const char *path, int flags, ...)
{
	int fd;

	if (!fake.path || strcmp(path, fake.path) != 0)
		return openat(AT_FDCWD, path, flags);
	errno = ENOENT;
	if (!fake.text)
		return -1;
	fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(write(fd, fake.text, strlen(fake.text)), strlen(fake.text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

long syscall(long number, ...)
{
	struct call *c = &fake.calls[fake.count];
	va_list more;

	assert_in_range(fake.count, 0, CALLS_MAX - 1);
	c->number = number;
	va_start(more, number);
	for (size_t i = 0; i < 5; i++)
		c->args[i] = va_arg(more, unsigned long);
	va_end(more);
	if (number == SYS_kexec_load && c->args[1] && c->args[2])
		memcpy(fake.segments, (void *)c->args[2],
		       c->args[1] * sizeof(fake.segments[0]));
	errno = fake.codes[fake.count++];
	return errno ? -1 : 0;
}

/* Resets; the next calls fail with these codes. */
static void answer(int first, int second, int third)
{
	memset(&fake, 0, sizeof(fake));
	fake.codes[0] = first;
	fake.codes[1] = second;
	fake.codes[2] = third;
}

static void assert_load(const struct call *c, unsigned long entry, unsigned long count,
			unsigned long flags)
{
	assert_int_equal(c->number, SYS_kexec_load);
	assert_int_equal(c->args[0], entry);
	assert_int_equal(c->args[1], count);
	assert_int_equal(c->args[3], (unsigned long)arch_elf_machine << 16 | flags);
}

static void test_plan(void **state)
{
	static const uint8_t text[5] = "text";
	struct plan plan = { .entry = 0x1234, .nr_segments = 2, .hotplug = true };
	struct error err = { "" };

	(void)state;
	plan.segments[0] =
		(struct segment){ SEGMENT_KERNEL, 0x7000, 0x3000, { text, 5 } };
	plan.segments[1] = (struct segment){ SEGMENT_INITRD, 0x200000000, 0x1000, { 0 } };
	answer(0, 0, 0);
	assert_int_equal(kexec_load_plan(&plan, KEXEC_TARGET_CRASH, NULL, NULL, &err), 0);
	assert_load(&fake.calls[0], 0x1234, 2, KEXEC_ON_CRASH | UPDATE_ELFCOREHDR);
	assert_ptr_equal(fake.segments[0].buf, text);
	assert_int_equal(fake.segments[0].bufsz, 5);
	assert_ptr_equal(fake.segments[0].mem, (void *)0x7000);
	assert_int_equal(fake.segments[0].memsz, 0x3000);
	assert_ptr_equal(fake.segments[1].buf, NULL);
	assert_int_equal(fake.segments[1].bufsz, 0);
	assert_ptr_equal(fake.segments[1].mem, (void *)0x200000000);
	assert_int_equal(fake.segments[1].memsz, 0x1000);
	assert_int_equal(fake.count, 1);

	plan.hotplug = false;
	answer(0, 0, 0);
	assert_int_equal(kexec_load_plan(&plan, KEXEC_TARGET_NORMAL, NULL, NULL, &err),
			 0);
	assert_load(&fake.calls[0], 0x1234, 2, 0);
}

static void test_plan_refused(void **state)
{
	struct plan plan = { .nr_segments = 0 };
	struct error err = { "" };
	bool may_fall_back = false;

	(void)state;
	answer(ENOSYS, 0, 0);
	assert_int_equal(
		kexec_load_plan(&plan, KEXEC_TARGET_NORMAL, NULL, &may_fall_back, &err),
		-ENOSYS);
	assert_true(may_fall_back);
	assert_non_null(strstr(err.text, "this kernel has no kexec_load "));
	answer(ENOMEM, 0, 0);
	assert_int_equal(
		kexec_load_plan(&plan, KEXEC_TARGET_NORMAL, NULL, &may_fall_back, &err),
		-ENOMEM);
	assert_false(may_fall_back);
	assert_int_equal(fake.count, 1);
}

/* A dry run asks with more segments than any kernel takes. */
static void test_try_load(void **state)
{
	struct error err = { "" };
	bool may_fall_back = true;

	(void)state;
	answer(EINVAL, 0, 0);
	assert_int_equal(kexec_try_load(KEXEC_TARGET_CRASH, &may_fall_back, &err), 0);
	assert_load(&fake.calls[0], 0, KEXEC_SEGMENT_MAX + 1, KEXEC_ON_CRASH);
	assert_int_equal(fake.calls[0].args[2], 0);
	answer(ENOSYS, 0, 0);
	assert_int_equal(kexec_try_load(KEXEC_TARGET_NORMAL, &may_fall_back, &err),
			 -ENOSYS);
	assert_true(may_fall_back);
	assert_load(&fake.calls[0], 0, KEXEC_SEGMENT_MAX + 1, 0);
	/* what is refused to everybody tells nothing about root */
	answer(EPERM, 0, 0);
	fake.path = "/proc/self/status";
	fake.text = "Name:\tx\nCapEff:\t0000000000000000\n";
	assert_int_equal(kexec_try_load(KEXEC_TARGET_NORMAL, &may_fall_back, &err), 0);
	answer(EPERM, 0, 0);
	fake.path = "/proc/self/status";
	fake.text = "Name:\tx\nCapEff:\t000001ffffffffff\n";
	assert_int_equal(kexec_try_load(KEXEC_TARGET_NORMAL, &may_fall_back, &err),
			 -EPERM);
	/* each call would count */
	answer(0, 0, 0);
	fake.path = "/proc/sys/kernel/kexec_load_limit_panic";
	fake.text = "2\n";
	assert_int_equal(kexec_try_load(KEXEC_TARGET_CRASH, &may_fall_back, &err), 0);
	assert_int_equal(fake.count, 0);
}

static int never(const void *context, struct error *err)
{
	(void)context;
	return error_set(err, ENODATA, "another image is loaded");
}

static void test_guard(void **state)
{
	const struct load_guard guard = { never, NULL };
	struct plan plan = { .nr_segments = 0 };
	struct error err = { "" };

	(void)state;
	answer(0, 0, 0);
	assert_int_equal(kexec_load_plan(&plan, KEXEC_TARGET_CRASH, &guard, NULL, &err),
			 -EPERM);
	assert_string_equal(err.text, "another image is loaded");
	err.text[0] = '\0';
	assert_int_equal(kexec_load_files(0, -1, "", KEXEC_TARGET_CRASH, 0, &guard, &err),
			 -EPERM);
	assert_string_equal(err.text, "another image is loaded");
	assert_int_equal(fake.count, 0);
}

static void assert_files(const struct call *c, int kernel, int initrd,
			 const char *cmdline, unsigned long flags)
{
	assert_int_equal(c->number, SYS_kexec_file_load);
	assert_int_equal((int)c->args[0], kernel);
	assert_int_equal((int)c->args[1], initrd);
	assert_int_equal(c->args[2], cmdline ? strlen(cmdline) + 1 : 0);
	assert_ptr_equal((const char *)c->args[3], cmdline);
	assert_int_equal(c->args[4], flags);
}

static void test_files(void **state)
{
	static const char text[] = "quiet";
	enum { BOTH = LOAD_FILE_DEBUG | LOAD_FILE_NO_CMA };
	static const struct {
		unsigned int want, calls;
		int codes[3], ret;
		unsigned long flags; /* of the last call */
	} cases[] = {
		{ BOTH, 1, { 0 }, 0, FILE_DEBUG | FILE_NO_CMA },
		{ BOTH, 2, { EINVAL }, 0, FILE_DEBUG },
		{ BOTH, 3, { EINVAL, EINVAL }, 0, 0 },
		{ BOTH, 3, { EINVAL, EINVAL, EINVAL }, -EINVAL, 0 },
		{ BOTH, 1, { ENOEXEC }, -ENOEXEC, FILE_DEBUG | FILE_NO_CMA },
		{ BOTH, 2, { EINVAL, ENOKEY }, -ENOKEY, FILE_DEBUG },
		{ LOAD_FILE_DEBUG, 2, { EINVAL }, 0, 0 },
		{ LOAD_FILE_NO_CMA, 2, { EINVAL }, 0, 0 },
		{ LOAD_FILE_NO_CMA, 1, { 0 }, 0, FILE_NO_CMA },
		{ 0, 1, { EINVAL }, -EINVAL, 0 },
	};
	struct error err = { "" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		answer(cases[i].codes[0], cases[i].codes[1], cases[i].codes[2]);
		assert_int_equal(kexec_load_files(7, 8, text, KEXEC_TARGET_NORMAL,
						  cases[i].want, NULL, &err),
				 cases[i].ret);
		assert_int_equal(fake.count, cases[i].calls);
		assert_files(&fake.calls[fake.count - 1], 7, 8, text, cases[i].flags);
	}
	answer(0, 0, 0);
	assert_int_equal(kexec_load_files(7, -1, text, KEXEC_TARGET_CRASH, 0, NULL, &err),
			 0);
	assert_files(&fake.calls[0], 7, -1, text,
		     KEXEC_FILE_NO_INITRAMFS | KEXEC_FILE_ON_CRASH);
	answer(0, 0, 0);
	assert_int_equal(kexec_load_files(7, 0, text, KEXEC_TARGET_CRASH, 0, NULL, &err),
			 0);
	assert_files(&fake.calls[0], 7, 0, text, KEXEC_FILE_ON_CRASH);
}

/* The call that can only fail, because it has an impossible initrd. */
static void test_try(void **state)
{
	static const struct {
		const char *limit;
		unsigned int calls;
		int code, ret;
	} cases[] = {
		{ NULL, 1, EBADF, 0 },	 { "-1\n", 1, EBADF, 0 },
		{ "-1\n", 1, 0, 0 },	 { "-1\n", 1, ENOKEY, -ENOKEY },
		{ "5\n", 0, ENOKEY, 0 },
	};
	struct error err = { "" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		answer(cases[i].code, 0, 0);
		fake.path = "/proc/sys/kernel/kexec_load_limit_reboot";
		fake.text = cases[i].limit;
		assert_int_equal(kexec_try_file(7, KEXEC_TARGET_CRASH, &err),
				 cases[i].ret);
		assert_int_equal(fake.count, cases[i].calls);
		if (!fake.count)
			continue;
		assert_string_equal((const char *)fake.calls[0].args[3], "x");
		assert_files(&fake.calls[0], 7, -1, (const char *)fake.calls[0].args[3],
			     0);
	}
}

/* Falls back to the other call if the kernel lacks or forbids the first. */
static void test_unload(void **state)
{
	struct error err = { "" };

	(void)state;
	answer(0, 0, 0);
	assert_int_equal(kexec_unload(KEXEC_TARGET_CRASH, &err), 0);
	assert_load(&fake.calls[0], 0, 0, KEXEC_ON_CRASH);
	assert_int_equal(fake.count, 1);
	answer(0, 0, 0);
	assert_int_equal(kexec_unload(KEXEC_TARGET_NORMAL, &err), 0);
	assert_load(&fake.calls[0], 0, 0, 0);

	answer(ENOSYS, 0, 0);
	assert_int_equal(kexec_unload(KEXEC_TARGET_CRASH, &err), 0);
	assert_int_equal(fake.count, 2);
	assert_files(&fake.calls[1], -1, -1, NULL,
		     KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH);
	answer(ENOSYS, 0, 0);
	assert_int_equal(kexec_unload(KEXEC_TARGET_NORMAL, &err), 0);
	assert_files(&fake.calls[1], -1, -1, NULL, KEXEC_FILE_UNLOAD);

	answer(ENOSYS, ENOSYS, 0);
	assert_int_equal(kexec_unload(KEXEC_TARGET_NORMAL, &err), -ENOSYS);
	assert_non_null(strstr(err.text, "no kexec_file_load"));
	answer(ENOMEM, 0, 0);
	assert_int_equal(kexec_unload(KEXEC_TARGET_NORMAL, &err), -ENOMEM);
	assert_int_equal(fake.count, 1);
}

static void test_is_loaded(void **state)
{
	static const struct {
		enum kexec_target target;
		const char *path, *text;
		int ret;
	} cases[] = {
		{ KEXEC_TARGET_CRASH, "/sys/kernel/kexec_crash_loaded", "1\n", 1 },
		{ KEXEC_TARGET_CRASH, "/sys/kernel/kexec_crash_loaded", "0\n", 0 },
		{ KEXEC_TARGET_CRASH, "/sys/kernel/kexec_crash_loaded", "", 0 },
		{ KEXEC_TARGET_NORMAL, "/sys/kernel/kexec_loaded", "1\n", 1 },
		{ KEXEC_TARGET_CRASH, "/sys/kernel/kexec/crash_loaded", "1\n", 1 },
		{ KEXEC_TARGET_CRASH, "/sys/kernel/kexec/crash_loaded", "0\n", 0 },
		{ KEXEC_TARGET_NORMAL, "/sys/kernel/kexec/loaded", "1\n", 1 },
		{ KEXEC_TARGET_NORMAL, "/sys/kernel/kexec_loaded", NULL, -ENOENT },
	};
	struct error err = { "" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		answer(0, 0, 0);
		fake.path = cases[i].path;
		fake.text = cases[i].text;
		assert_int_equal(kexec_is_loaded(cases[i].target, &err), cases[i].ret);
	}
	assert_non_null(strstr(err.text, "/sys/kernel/kexec_loaded: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),	  cmocka_unit_test(test_plan_refused),
		cmocka_unit_test(test_guard),	  cmocka_unit_test(test_files),
		cmocka_unit_test(test_try),	  cmocka_unit_test(test_unload),
		cmocka_unit_test(test_is_loaded), cmocka_unit_test(test_try_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
