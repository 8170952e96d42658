// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/sources/source.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

static const struct source_kind *const kinds[SOURCES] = {
#define X(name) [SOURCE_##name] = &source_##name,
	FORK_SOURCES(X)
#undef X
};

void source_set(struct source *s, enum source_level level, const char *fmt, ...)
{
	va_list args;

	s->level = level;
	va_start(args, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, args);
	va_end(args);
}

void source_not_needed(struct source *s)
{
	source_set(s, SOURCE_INACTIVE, "needs polling, and another one is active");
	s->failed = false;
}

int source_open_file(struct source *s, const char *path)
{
	_cleanup_free_ char *whole = NULL;

	if (asprintf(&whole, "%s%s", s->host->options->root, path) < 0)
		return -ENOMEM;
	s->fd = open(whole, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return s->fd < 0 ? -errno : 0;
}

int source_add_timer(struct source *s, void (*fire)(void *source))
{
	/* this clock includes suspend */
	int ret = loop_timer_open(&s->timer, s->host->loop, CLOCK_BOOTTIME, fire, s);

	return ret ? ret : loop_timer_set_in(&s->timer, 0);
}

int source_wait(struct source *s)
{
	return loop_timer_set_in(&s->timer, (uint64_t)s->host->options->poll_ms * 1000);
}

void source_fail(struct source *s, const char *why)
{
	source_set(s, SOURCE_INACTIVE, "%s", why);
	s->failed = true;
	loop_watch_enable(&s->io, false);
	loop_timer_stop(&s->timer);
	s->host->changed(s->host->context, SOURCE_LATER);
	s->host->missed(s->host->context, s->kind);
}

void source_hex(const uint8_t *bytes, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static void close_one(struct source *s)
{
	loop_watch_close(&s->io);
	loop_timer_close(&s->timer);
	if (s->data && s->kind->close)
		s->kind->close(s);
	s->data = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void sources_open(struct sources *s, const struct source_host *host)
{
	bool heard = false;

	for (size_t i = 0; i < SOURCES; i++) {
		struct source *one = &s->all[i];

		*one = (struct source){
			.kind = kinds[i], .host = host, .failed = one->failed, .fd = -1
		};
		if (host->options->enabled & 1u << i) {
			kinds[i]->open(one, heard);
		} else {
			source_set(one, SOURCE_INACTIVE, "not configured");
			one->failed = false;
		}
		if (one->level == SOURCE_INACTIVE)
			close_one(one);
		else
			one->failed = false;
		heard |= one->level == SOURCE_ACTIVE;
	}
}

void sources_close(struct sources *s)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (s->all[i].kind)
			close_one(&s->all[i]);
}

size_t sources_failed(const struct sources *s)
{
	size_t count = 0;

	for (size_t i = 0; i < SOURCES; i++)
		count += s->all[i].failed;
	return count;
}

bool sources_hear(const struct sources *s)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (s->all[i].level == SOURCE_ACTIVE)
			return true;
	return false;
}

void source_describe(const struct source *s, char *buf, size_t size)
{
	if (s->level == SOURCE_ACTIVE)
		snprintf(buf, size, "active");
	else
		snprintf(buf, size, "%s: %s",
			 s->level == SOURCE_WAITING ? "waiting" : "inactive", s->why);
}
