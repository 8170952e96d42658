// SPDX-License-Identifier: GPL-2.0-only
/* The kernel log: the kernel logs a line when it reseeds its RNG after a fork. */
#include "kexec_seed/sources/source.h"
#include "kexec_seed/sources/parse.h"

#include "machine/machine.h"

#include <errno.h>
#include <unistd.h>

#define BATCH 256 /* records read per loop iteration */

static void on_record(void *context, uint32_t events)
{
	struct source *s = context;
	uint8_t buf[KMSG_RECORD_MAX];

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(s->fd, buf, sizeof(buf));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0 && errno == EINVAL)
			continue; /* record too long to be ours; the kernel skips it */
		if (n < 0 && errno == EPIPE) {
			/* overrun: the line may have been overwritten */
			s->host->missed(s->host->context, s->kind);
			continue;
		}
		if (n <= 0) {
			source_fail(s, n ? errno_text(errno) : "/dev/kmsg has ended");
			break;
		}
		if (kmsg_tells_fork((struct bytes){ buf, (size_t)n }))
			s->host->fork(s->host->context, s->kind, "");
	}
}

static int open_log(struct source *s)
{
	int ret = source_open_file(s, "/dev/kmsg");

	if (ret)
		return ret;
	/* earlier records are covered by the refresh at startup */
	if (lseek(s->fd, 0, SEEK_END) < 0 && errno != ESPIPE)
		return -errno;
	return loop_watch_open(&s->io, s->host->loop, s->fd, on_record, s);
}

static void open_kmsg(struct source *s, bool heard)
{
	int ret = open_log(s);

	(void)heard;
	if (ret)
		source_set(s, SOURCE_INACTIVE, "/dev/kmsg: %s", errno_text(-ret));
	else if (machine_has_genid_driver(s->host->options->root))
		s->level = SOURCE_ACTIVE;
	else
		source_set(s, SOURCE_WAITING, "no device with a VM generation ID driver");
}

const struct source_kind source_kmsg = {
	.id = SOURCE_kmsg,
	.after_reseed = true,
	.open = open_kmsg,
};
