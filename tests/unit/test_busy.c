// SPDX-License-Identifier: GPL-2.0-only
/* A kernel that is busy with another load and counts our calls. */
#include "check.h"

#include "base/units.h"
#include "load/kexec_load.h"
#include "load/seed.h"
#include "purgatory_params.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ull

static struct {
	unsigned int busy;  /* how many more polls and calls find the kernel busy */
	unsigned int calls; /* how many it has seen */
	unsigned int draws; /* how many seeds were drawn */
	long slept;	    /* milliseconds */
} fake;

/* These four replace libc's. */
int nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)rest;
	assert_int_equal(time->tv_sec, 0);
	fake.slept += time->tv_nsec / 1000000;
	return 0;
}

int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	if (!strcmp(path, "/sys/kernel/kexec_crash_size") && fake.busy) {
		fake.busy--;
		errno = EBUSY;
		return -1;
	}
	va_start(more, flags);
	mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
	va_end(more);
	return openat(AT_FDCWD, path, flags, mode);
}

/* No seed may exist while we wait for another load. */
ssize_t getrandom(void *out, size_t size, unsigned int flags)
{
	(void)flags;
	assert_int_equal(fake.busy, 0);
	fake.draws++;
	memset(out, 0x5a, size);
	return (ssize_t)size;
}

long syscall(long number, ...)
{
	if (number == SYS_memfd_secret) { /* falls back to a locked page */
		errno = ENOSYS;
		return -1;
	}
	assert_true(number == SYS_kexec_load || number == SYS_kexec_file_load);
	fake.calls++;
	if (!fake.busy)
		return 0;
	fake.busy--;
	errno = EBUSY;
	return -1;
}

static void be_busy(unsigned int times)
{
	fake.busy = times;
	fake.calls = fake.draws = 0;
	fake.slept = 0;
}

/* Each call counts towards kernel.kexec_load_limit_*: one fails, the next succeeds. */
static void test_few_calls(void **state)
{
	struct plan plan = { 0 };
	struct error err = { "" };

	(void)state;
	be_busy(20);
	assert_int_equal(kexec_load_plan(&plan, KEXEC_TARGET_CRASH, NULL, NULL, &err), 0);
	assert_int_equal(fake.calls, 2);
	be_busy(20);
	assert_int_equal(kexec_unload(KEXEC_TARGET_CRASH, &err), 0);
	assert_int_equal(fake.calls, 2);
}

/* kexec_file_load(2) waits, too. */
static void test_files(void **state)
{
	struct error err = { "" };

	(void)state;
	be_busy(20);
	assert_int_equal(kexec_load_files(0, -1, "", KEXEC_TARGET_CRASH, 0, NULL, &err),
			 0);
	assert_int_equal(fake.calls, 2);
	be_busy(20);
	assert_int_equal(kexec_try_file(0, KEXEC_TARGET_CRASH, &err), 0);
	assert_int_equal(fake.calls, 2);
}

static int only_once(const void *context, struct error *err)
{
	unsigned int *count = *(unsigned int *const *)context;

	return (*count)++ ? error_set(err, ENODATA, "another image is loaded") : 0;
}

/* The other load may have put an image there that is not ours to replace. */
static void test_guard(void **state)
{
	unsigned int count = 0, *counter = &count;
	const struct load_guard guard = { only_once, &counter };
	struct error err = { "" };

	(void)state;
	be_busy(3);
	assert_int_equal(kexec_load_files(0, -1, "", KEXEC_TARGET_CRASH, 0, &guard, &err),
			 -EPERM);
	assert_string_equal(err.text, "another image is loaded");
	assert_int_equal(fake.calls, 1);
	assert_int_equal(count, 2);
}

/* The wait is limited. */
static void test_too_long(void **state)
{
	struct plan plan = { 0 };
	struct error err = { "" };

	(void)state;
	be_busy(1000000);
	assert_int_equal(kexec_load_plan(&plan, KEXEC_TARGET_CRASH, NULL, NULL, &err),
			 -EBUSY);
	assert_non_null(strstr(err.text, "another load"));
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.slept, 3000);
	err.text[0] = '\0';
	be_busy(1000000);
	assert_int_equal(kexec_load_files(0, -1, "", KEXEC_TARGET_CRASH, 0, NULL, &err),
			 -EBUSY);
	assert_non_null(strstr(err.text, "another load"));
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.slept, 3000);
}

/* The seed is drawn after the wait. */
static void test_seed(void **state)
{
	struct plan plan = { .nr_segments = 1,
			     .segments = { { .kind = SEGMENT_SEED, .mem_size = PAGE } },
			     .has_seed = true };
	struct purgatory_params params = { 0 };
	struct secret page;
	struct error err = { "" };

	(void)state;
	plan.purgatory_block = (void *)&params;
	be_busy(20);
	assert_int_equal(secret_map(PAGE, &page, &err), 0);
	assert_int_equal(
		load_with_seed(&plan, &page, KEXEC_TARGET_CRASH, NULL, NULL, &err), 0);
	assert_int_equal(fake.draws, 1);
	assert_int_equal(fake.calls, 1);
	assert_null(page.data);

	be_busy(1000000);
	assert_int_equal(secret_map(PAGE, &page, &err), 0);
	assert_int_equal(
		load_with_seed(&plan, &page, KEXEC_TARGET_CRASH, NULL, NULL, &err),
		-EBUSY);
	assert_non_null(strstr(err.text, "another load"));
	assert_int_equal(fake.draws, 0);
	assert_int_equal(fake.calls, 0);
	assert_int_equal(fake.slept, 3000);
	assert_null(page.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed),	 cmocka_unit_test(test_few_calls),
		cmocka_unit_test(test_files),	 cmocka_unit_test(test_guard),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
