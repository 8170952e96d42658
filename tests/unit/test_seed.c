// SPDX-License-Identifier: GPL-2.0-only
/* Drawing base seeds, and the memory they live in. */
#include "check.h"

#include "load/seed.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAWS 1000

static bool is_ready = true;
static unsigned int unblocked; /* calls that SIGALRM can interrupt */

/* The kernel's, or one whose generator is not ready and whose wait is interrupted. */
ssize_t getrandom(void *out, size_t size, unsigned int flags)
{
	sigset_t mask;

	if (is_ready)
		return syscall(SYS_getrandom, out, size, flags);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	if (!(flags & GRND_NONBLOCK) && !sigismember(&mask, SIGALRM))
		unblocked++;
	errno = flags & GRND_NONBLOCK ? EAGAIN : EINTR;
	return -1;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, SEED_SIZE);
}

static void test_draws_are_distinct(void **state)
{
	static uint8_t seeds[DRAWS][SEED_SIZE];
	struct error err;

	(void)state;
	assert_int_equal(seed_wait(10, &err), 0);
	for (size_t i = 0; i < DRAWS; i++)
		assert_int_equal(seed_draw(seeds[i], SEED_SIZE, &err), 0);
	qsort(seeds, DRAWS, SEED_SIZE, compare);
	for (size_t i = 1; i < DRAWS; i++)
		assert_memory_not_equal(seeds[i - 1], seeds[i], SEED_SIZE);
}

static void test_attach(void **state)
{
	struct plan plan = { .nr_segments = 1,
			     .segments = { { .kind = SEGMENT_SEED, .mem_size = 4096 } },
			     .seed_prefix = "a seed's header",
			     .seed_prefix_size = 16 };
	static const uint8_t zero[4096];
	struct secret page;
	struct error err;

	(void)state;
	assert_int_equal(secret_map(4096, &page, &err), 0);
	assert_int_equal(seed_attach(&plan, &page, &err), 0);
	assert_ptr_equal(plan.segments[0].content.data, page.data);
	assert_int_equal(plan.segments[0].content.size, 4096);
	assert_memory_equal(page.data, plan.seed_prefix, 16);
	assert_memory_not_equal(page.data + 16, zero, SEED_SIZE);
	assert_memory_equal(page.data + 16 + SEED_SIZE, zero, 4096 - 16 - SEED_SIZE);
	secret_wipe(&page);
	assert_null(page.data);
	secret_wipe(&page); /* harmless */
}

/* In a child of fork() the bytes are wiped, or not even mapped. */
static void test_is_not_inherited(void **state)
{
	struct secret page;
	struct error err;
	int ends[2], status;
	char byte = 0;
	pid_t child;

	(void)state;
	assert_int_equal(secret_map(4096, &page, &err), 0);
	page.data[0] = 0x5a;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) /* write(2) fails instead of raising SIGSEGV */
		_exit(write(ends[1], page.data, 1) < 0 && errno != EFAULT);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[1]);
	assert_true(read(ends[0], &byte, 1) >= 0);
	assert_int_equal(byte, 0);
	close(ends[0]);
	secret_wipe(&page);
}

static void test_is_locked(void **state)
{
	char line[512];
	unsigned long start, end;
	bool inside = false, locked = false;
	struct secret page;
	struct error err;
	FILE *f;

	(void)state;
	assert_int_equal(secret_map(4096, &page, &err), 0);
	page.data[0] = 1;
	f = fopen("/proc/self/smaps", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (unsigned long)page.data &&
				 (unsigned long)page.data < end;
		if (inside && !strncmp(line, "VmFlags:", 8))
			locked = strstr(line, " lo") && strstr(line, " dd");
	}
	fclose(f);
	assert_true(locked);
	secret_wipe(&page);
}

static void never(int number)
{
	(void)number;
}

/* The wait ends, and leaves signals and timers as they were. */
static void test_wait_ends(void **state)
{
	struct sigaction act = { .sa_handler = never }, now;
	struct itimerval left;
	struct error err;
	sigset_t mask, after;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	is_ready = false;
	assert_int_equal(seed_wait(0, &err), -EAGAIN);
	assert_int_equal(unblocked, 0);
	assert_int_equal(seed_wait(1000, &err), -EAGAIN);
	is_ready = true;
	assert_int_equal(unblocked, 1);
	assert_non_null(strstr(err.text, "was not ready within 1000 s"));
	sigprocmask(SIG_UNBLOCK, &mask, &after);
	assert_true(sigismember(&after, SIGALRM));
	assert_int_equal(sigaction(SIGALRM, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, never);
	assert_int_equal(getitimer(ITIMER_REAL, &left), 0);
	assert_true(!left.it_value.tv_sec && !left.it_value.tv_usec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_are_distinct),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_is_not_inherited),
		cmocka_unit_test(test_is_locked),
		cmocka_unit_test(test_wait_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
