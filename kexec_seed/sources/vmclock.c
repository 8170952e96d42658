// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMClock: a page that the hypervisor shares with its guest, with a counter of restores.
 *
 * Since Linux 7.0, if the hypervisor sends notifications, poll(2) waits for them; read(2)
 * then tells the driver which state we have seen (drivers/ptp/ptp_vmclock.c). Otherwise
 * the page is polled, unless a better source is active.
 */
#include "kexec_seed/sources/source.h"

#include "machine/vmclock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct vmclock {
	void *page; /* mapped; NULL: use read(2) */
	uint64_t generation;
};

static int read_device(int fd, struct vmclock_state *out, struct error *err)
{
	uint8_t copy[VMCLOCK_PAGE];
	ssize_t n = pread(fd, copy, sizeof(copy), 0);

	if (n < 0)
		return error_set(err, errno == ETIMEDOUT ? EAGAIN : errno, "%s",
				 errno_text(errno));
	return vmclock_read_copy((struct bytes){ copy, (size_t)n }, out, err);
}

static int look(struct source *s, struct vmclock_state *out, struct error *err)
{
	const struct vmclock *c = s->data;

	/* read(2) tells the driver which state we have seen, which resets poll(2) */
	if (s->io.loop || !c->page)
		return read_device(s->fd, out, err);
	return vmclock_read_page(c->page, out, err);
}

/* 0; -EAGAIN: retry later; other errors: the source is unusable. */
static int check(struct source *s, struct error *err)
{
	struct vmclock *c = s->data;
	struct vmclock_state now;
	char text[17];
	int ret = look(s, &now, err);

	if (ret)
		return ret;
	if (!now.counted)
		return error_set(err, ENODATA, "the hypervisor has stopped counting");
	if (now.generation == c->generation)
		return 0;
	c->generation = now.generation;
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)now.generation);
	s->host->fork(s->host->context, s->kind, text);
	return 0;
}

static void on_timer(void *context)
{
	struct source *s = context;
	struct error err;
	int ret = check(s, &err);

	if (ret && ret != -EAGAIN)
		source_fail(s, err.text);
	else if (ret || !s->io.loop)
		source_wait(s);
	else
		loop_watch_enable(&s->io, true);
}

static void on_notified(void *context, uint32_t events)
{
	struct source *s = context;
	struct error err;
	int ret;

	if (events & (EPOLLHUP | EPOLLERR)) {
		source_fail(s, "the hypervisor has stopped notifying");
		return;
	}
	ret = check(s, &err);
	if (ret == -EAGAIN) { /* the page is being updated: do not spin */
		loop_watch_enable(&s->io, false);
		source_wait(s);
	} else if (ret) {
		source_fail(s, err.text);
	}
}

/* Maps the device, which cannot shrink; a mapped regular file could, and raise SIGBUS. */
static void map(struct source *s)
{
	struct vmclock *c = s->data;
	struct stat st;
	void *page;

	if (fstat(s->fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return;
	page = mmap(NULL, VMCLOCK_PAGE, PROT_READ, MAP_SHARED, s->fd, 0);
	if (page != MAP_FAILED)
		c->page = page;
}

static int open_device(struct source *s)
{
	int ret = source_open_file(s, VMCLOCK_DEVICE);

	if (ret)
		return ret;
	s->data = calloc(1, sizeof(struct vmclock));
	if (!s->data)
		return -ENOMEM;
	map(s);
	return 0;
}

/*
 * Attaches the source to the loop: waits for notifications if possible, otherwise polls.
 */
static int listen(struct source *s, bool notifies)
{
	int ret = source_add_timer(s, on_timer);

	if (ret || !notifies)
		return ret;
	ret = loop_watch_open(&s->io, s->host->loop, s->fd, on_notified, s);
	if (ret == -EPERM) /* drivers before 7.0: epoll_ctl(2) */
		return 0;
	if (!ret)
		loop_timer_stop(&s->timer);
	return ret;
}

static void open_vmclock(struct source *s, bool heard)
{
	struct vmclock_state now;
	struct error err;
	int ret = open_device(s);

	if (ret == -ENOENT)
		return source_set(s, SOURCE_INACTIVE, "no /dev/vmclock*");
	if (ret)
		return source_set(s, SOURCE_INACTIVE, "/dev/vmclock*: %s",
				  errno_text(-ret));
	ret = look(s, &now, &err);
	if (ret == -EAGAIN) /* retry soon */
		s->host->changed(s->host->context, SOURCE_SOON);
	if (ret)
		return source_set(s, SOURCE_INACTIVE, "%s", err.text);
	if (!now.counted)
		return source_set(s, SOURCE_INACTIVE,
				  "the hypervisor does not count generations");
	((struct vmclock *)s->data)->generation = now.generation;
	ret = listen(s, now.notifies);
	if (ret)
		return source_set(s, SOURCE_INACTIVE, "%s", errno_text(-ret));
	if (!s->io.loop && heard)
		return source_not_needed(s);
	s->level = SOURCE_ACTIVE;
}

static void close_vmclock(struct source *s)
{
	struct vmclock *c = s->data;

	if (c->page)
		munmap(c->page, VMCLOCK_PAGE);
	free(c);
}

const struct source_kind source_vmclock = {
	.id = SOURCE_vmclock,
	.open = open_vmclock,
	.close = close_vmclock,
};
