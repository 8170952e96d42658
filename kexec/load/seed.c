// SPDX-License-Identifier: GPL-2.0-only
#include "load/seed.h"

#include "base/cleanup.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <linux/random.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>

static void wake_up(int signal)
{
	(void)signal; /* getrandom() returning with EINTR is all that is wanted */
}

/*
 * Only a blocking getrandom() makes the kernel collect entropy from timing jitter, so a
 * timer has to break it off. It repeats in case it fires just before the call.
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
	sigemptyset(&alarm); /* whoever started us may have blocked it */
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
	return ret ? error_set(err, -ret, "getrandom: %s", strerror(-ret)) : 0;
}

void seed_stir(void)
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
			return error_set(err, errno, "getrandom: %s", strerror(errno));
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

int seed_lend(struct plan *plan, const struct secret *page, struct error *err)
{
	struct segment *segment = plan_segment(plan, PURGATORY_KIND_SEED);
	int ret;

	ret = seed_draw(page->data + sizeof(plan->seed_header), SEED_SIZE, err);
	if (ret)
		return ret;
	memcpy(page->data, &plan->seed_header, sizeof(plan->seed_header));
	/* the whole page: SHA-256 then takes every block of it where it lies, uncopied */
	segment->content = (struct bytes){ page->data, page->size };
	return 0;
}
