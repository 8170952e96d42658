// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/state.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/run_dir.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_FILE "daemon.state"
#define STATE_NEXT ".daemon.state.next"
#define LOCK_FILE  "daemon.lock"

#define STATE_SIZE_MAX 8192

static bool is_same_file(int fd, int dir)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 &&
	       fstatat(dir, LOCK_FILE, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

int daemon_state_lock(const char *dir, int held, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int folder = run_dir_open(dir, true, err);
	int fd, code;

	if (folder >= 0 && held >= 0 && is_same_file(held, folder))
		return held;
	if (held >= 0)
		close(held);
	if (folder < 0)
		return folder;
	fd = openat(folder, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, errno, "%s/%s: %s", dir, LOCK_FILE,
				 errno_text(errno));
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	code = errno;
	close(fd);
	if (code == EAGAIN || code == EACCES)
		return error_set(err, EBUSY, "another kexec-seed daemon is running");
	return error_set(err, code, "%s/%s: cannot lock: %s", dir, LOCK_FILE,
			 errno_text(code));
}

/*
 * Tests the lock without taking it, since that could keep a daemon from starting. Read
 * access is enough, even on a file system that has become read-only.
 */
static bool is_locked(int folder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd =
		openat(folder, LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* The keys of the file, but for the sources. */
static const struct field {
	const char *key;
	size_t at;
	size_t size;  /* of a text; 0: a number */
	uint64_t max; /* of a number */
} fields[] = {
#define TEXT(key, member)                                                                \
	{                                                                                \
		key, offsetof(struct daemon_state, member),                              \
			sizeof(((struct daemon_state *)0)->member), 0                    \
	}
#define NUMBER(key, member, max)                                                         \
	{                                                                                \
		key, offsetof(struct daemon_state, member), 0, max                       \
	}
	NUMBER("pid", pid, INT32_MAX),
	NUMBER("started", started, INT64_MAX),
	TEXT("event-source", event_source),
	TEXT("event-generation", event_generation),
	NUMBER("event-time", event_time, INT64_MAX),
	NUMBER("events", events, INT64_MAX),
	NUMBER("refreshes", refreshes, INT64_MAX),
	NUMBER("failures", failures, INT64_MAX),
	TEXT("error", error),
};

#define SOURCE_KEY "source."

/* Prints a value on one line, with control characters replaced by question marks. */
static void print_text(FILE *to, const char *key, const char *name, const char *value)
{
	fprintf(to, "%s%s=", key, name);
	for (; *value; value++)
		fputc((unsigned char)*value < 0x20 ? '?' : *value, to);
	fputc('\n', to);
}

static int print(FILE *to, const struct daemon_state *s)
{
	for (size_t i = 0; i < s->nr_sources && i < DAEMON_SOURCES_MAX; i++)
		print_text(to, SOURCE_KEY, s->sources[i].name, s->sources[i].state);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = (const char *)s + fields[i].at;

		if (fields[i].size)
			print_text(to, fields[i].key, "", value);
		else
			fprintf(to, "%s=%" PRIu64 "\n", fields[i].key,
				*(const uint64_t *)(const void *)value);
	}
	return fflush(to) || ferror(to) ? -1 : 0;
}

int daemon_state_write(const char *dir, const struct daemon_state *s, struct error *err)
{
	_cleanup_close_ int folder = run_dir_open(dir, true, err);
	_cleanup_fclose_ FILE *to = NULL;
	int fd;

	if (folder < 0)
		return folder;
	fd = openat(folder, STATE_NEXT,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to || print(to, s) || renameat(folder, STATE_NEXT, folder, STATE_FILE)) {
		int code = errno;

		if (fd >= 0 && !to)
			close(fd);
		unlinkat(folder, STATE_NEXT, 0);
		return error_set(err, code, "%s/%s: cannot write: %s", dir, STATE_FILE,
				 errno_text(code));
	}
	return 0;
}

static bool get_number(struct bytes text, uint64_t max, uint64_t *out)
{
	return text_number(text, out) && *out <= max;
}

static bool get_text(struct bytes text, char *out, size_t size)
{
	if (text.size >= size || (text.size && memchr(text.data, '\0', text.size)))
		return false;
	if (text.size)
		memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return true;
}

static bool take_source(struct daemon_state *s, struct bytes name, struct bytes value)
{
	struct daemon_source *d = &s->sources[s->nr_sources];

	if (s->nr_sources == DAEMON_SOURCES_MAX)
		return false;
	s->nr_sources++;
	return get_text(name, d->name, sizeof(d->name)) &&
	       get_text(value, d->state, sizeof(d->state));
}

static bool take(struct daemon_state *s, struct bytes key, struct bytes value)
{
	struct bytes name;

	if (text_starts(key, SOURCE_KEY, &name))
		return take_source(s, name, value);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];
		char *to = (char *)s + f->at;

		if (text_equals(key, f->key))
			return f->size ? get_text(value, to, f->size)
				       : get_number(value, f->max, (void *)to);
	}
	return true;
}

int daemon_state_parse(struct bytes text, struct daemon_state *out, struct error *err)
{
	struct bytes line, key;

	*out = (struct daemon_state){ .running = false };
	while (text_cut(&text, '\n', &line)) {
		if (!text_cut(&line, '=', &key) || !take(out, key, line)) {
			*out = (struct daemon_state){ .running = false };
			return error_set(err, EBADMSG, "%s: malformed", STATE_FILE);
		}
	}
	return 0;
}

int daemon_state_read(const char *dir, struct daemon_state *out, struct error *err)
{
	_cleanup_close_ int folder = run_dir_open(dir, false, err);
	_cleanup_free_ char *data = NULL;
	bool running;
	size_t size = 0;
	int ret;

	*out = (struct daemon_state){ .running = false };
	if (folder < 0)
		return folder;
	running = is_locked(folder);
	ret = file_slurp_in(dir, "/" STATE_FILE, STATE_SIZE_MAX, &data, &size);
	if (ret)
		error_set(err, -ret, "%s/%s: %s", dir, STATE_FILE, errno_text(-ret));
	else
		ret = daemon_state_parse((struct bytes){ (uint8_t *)data, size }, out,
					 err);
	out->running = running;
	return ret;
}
