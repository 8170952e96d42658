// SPDX-License-Identifier: GPL-2.0-only
#include "load/seed.h"

#include "base/cleanup.h"
#include "load/digests.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <linux/random.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SYS_memfd_secret /* Linux 5.14, glibc 2.34; not in musl 1.2.3 */
#define SYS_memfd_secret 447
#endif

/* Bytes of stack to wipe: more than SHA-256 and its callers use. */
#define STACK_WIPE 16384

/*
 * Newer kernels notice the limit of locked memory at the first access, with a SIGBUS. A system
 * call that writes there fails instead. Linux refuses MADV_POPULATE_WRITE for such memory.
 */
static bool has_pages(char *p, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < size; i += page)
		if (sigprocmask(SIG_BLOCK, NULL, (sigset_t *)(void *)(p + i)) < 0)
			return false;
	return true;
}

static void *map_memfd_secret(size_t size)
{
	_cleanup_close_ int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return MAP_FAILED;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return p;
	/* the mapping must be shared, so a child would inherit the bytes */
	if (madvise(p, size, MADV_DONTFORK) == 0 && has_pages(p, size))
		return p;
	munmap(p, size);
	return MAP_FAILED;
}

static void *map_locked(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		return p;
	if (mlock(p, size) == 0 && madvise(p, size, MADV_DONTDUMP) == 0 &&
	    madvise(p, size, MADV_WIPEONFORK) == 0)
		return p;
	munmap(p, size);
	return MAP_FAILED;
}

int secret_map(size_t size, struct secret *out, struct error *err)
{
	void *p = map_memfd_secret(size);

	*out = (struct secret){ 0 };
	/* unsupported, disabled, or over the limit: use locked memory instead */
	if (p == MAP_FAILED)
		p = map_locked(size);
	if (p == MAP_FAILED)
		return error_set(err, errno,
				 "no locked memory for the seed: %s (see ulimit -l)",
				 errno_text(errno));
	*out = (struct secret){ .data = p, .size = size };
	return 0;
}

void secret_wipe(struct secret *s)
{
	if (!s->data)
		return;
	explicit_bzero(s->data, s->size);
	munmap(s->data, s->size);
	*s = (struct secret){ 0 };
}

__attribute__((noinline)) void secret_wipe_stack(void)
{
	char below[STACK_WIPE];

	explicit_bzero(below, sizeof(below));
}

static void wake_up(int signal)
{
	(void)signal; /* its only task is to interrupt getrandom() */
}

/*
 * Only a blocking getrandom() makes the kernel gather entropy from timing jitter, so a
 * timer interrupts it. The timer repeats in case it expires right before the call.
 */
static int wait_blocking(unsigned int seconds)
{
	struct itimerval limit = { .it_value.tv_sec = seconds,
				   .it_interval.tv_usec = 100000 };
	struct sigaction act = { .sa_handler = wake_up }, old;
	sigset_t alarm, mask;
	uint8_t byte;
	ssize_t n;
	int ret;

	if (sigaction(SIGALRM, &act, &old) < 0)
		return -errno;
	if (setitimer(ITIMER_REAL, &limit, NULL) < 0) {
		ret = -errno;
		sigaction(SIGALRM, &old, NULL);
		return ret;
	}
	sigemptyset(&alarm); /* our parent may have blocked the signal */
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm, &mask);
	n = getrandom(&byte, sizeof(byte), 0);
	ret = n < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	sigaction(SIGALRM, &old, NULL);
	return ret == -EINTR ? -EAGAIN : ret;
}

int seed_wait(unsigned int seconds, struct error *err)
{
	uint8_t byte;
	int ret;

	if (getrandom(&byte, sizeof(byte), GRND_NONBLOCK) == sizeof(byte))
		return 0;
	ret = errno == EAGAIN && seconds ? wait_blocking(seconds) : -errno;
	if (ret == -EAGAIN)
		return error_set(
			err, EAGAIN,
			"the kernel's random number generator was not ready within "
			"%u s (see --seed-timeout)",
			seconds);
	return ret ? error_set(err, -ret, "getrandom: %s", errno_text(-ret)) : 0;
}

void rng_force_reseed(void)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)ioctl(fd, RNDRESEEDCRNG);
}

static int draw(uint8_t *out, size_t size, unsigned int flags, struct error *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = getrandom(out + done, size - done, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "getrandom: %s", errno_text(errno));
		done += (size_t)n;
	}
	return 0;
}

int seed_draw(uint8_t *out, size_t size, struct error *err)
{
	return draw(out, size, GRND_NONBLOCK, err);
}

int id_draw(uint8_t *out, size_t size, struct error *err)
{
	int ret = draw(out, size, GRND_INSECURE, err);

	return ret == -EINVAL ? draw(out, size, GRND_NONBLOCK, err) : ret; /* < 5.6 */
}

int seed_attach(struct plan *plan, const struct secret *page, struct error *err)
{
	struct segment *segment = plan_segment(plan, SEGMENT_SEED);
	int ret = seed_draw(page->data + plan->seed_prefix_size, SEED_SIZE, err);

	if (ret)
		return ret;
	memcpy(page->data, plan->seed_prefix, plan->seed_prefix_size);
	/*
	 * attach the whole page, so that SHA-256 hashes all blocks in place, without a
	 * copy
	 */
	segment->content = (struct bytes){ page->data, page->size };
	return 0;
}

int load_with_seed(struct plan *plan, struct secret *page, enum kexec_target target,
		   const struct load_guard *guard, bool *may_fall_back, struct error *err)
{
	sigset_t all, before;
	int ret = kexec_wait(target, err); /* before a base seed exists */

	/* if a signal killed us here, the unwiped page would be freed */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!ret && plan->has_seed)
		ret = seed_attach(plan, page, err);
	if (!ret) {
		digests_finish(plan);
		ret = kexec_load_plan(plan, target, guard, may_fall_back, err);
	}
	secret_wipe(page);
	secret_wipe_stack();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}
