// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon_state.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "machine/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_FILE "daemon.state"
#define STATE_NEXT ".daemon.state.next"
#define LOCK_FILE  "daemon.lock"

#define STATE_SIZE_MAX 8192

static int open_dir(const char *dir, bool make, struct error *err)
{
	struct stat st;
	int fd;

	if (make && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "%s: %s", dir, strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "%s: %s", dir, strerror(errno));
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	close(fd);
	return error_set(err, EPERM, "%s: others than its owner can enter it", dir);
}

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
	_cleanup_close_ int folder = open_dir(dir, true, err);
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
				 strerror(errno));
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	code = errno;
	close(fd);
	if (code == EAGAIN || code == EACCES)
		return error_set(err, EBUSY, "another kexec-seed daemon is running");
	return error_set(err, code, "%s/%s: cannot lock: %s", dir, LOCK_FILE,
			 strerror(code));
}

/*
 * Asks without taking the lock, which might keep a daemon from starting; for asking, reading
 * is enough, also on a file system that is read-only meanwhile.
 */
static bool is_locked(int folder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd =
		openat(folder, LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* A value on a line of its own, whatever is in it. */
static void print_text(FILE *to, const char *key, const char *name, const char *value)
{
	fprintf(to, "%s%s=", key, name);
	for (; *value; value++)
		fputc((unsigned char)*value < 0x20 ? '?' : *value, to);
	fputc('\n', to);
}

static int print(FILE *to, const struct daemon_state *s)
{
	fprintf(to, "pid=%" PRId32 "\nstarted=%" PRId64 "\n", s->pid,
		(int64_t)s->started);
	for (size_t i = 0; i < s->nr_sources && i < DAEMON_SOURCES_MAX; i++)
		print_text(to, "source.", s->sources[i].name, s->sources[i].state);
	print_text(to, "event-source", "", s->event_source);
	print_text(to, "event-generation", "", s->event_generation);
	fprintf(to, "event-time=%" PRId64 "\nevents=%" PRIu64 "\n",
		(int64_t)s->event_time, s->events);
	fprintf(to, "refreshes=%" PRIu64 "\nfailures=%" PRIu64 "\n", s->refreshes,
		s->failures);
	print_text(to, "error", "", s->error);
	return fflush(to) || ferror(to) ? -1 : 0;
}

int daemon_state_write(const char *dir, const struct daemon_state *s, struct error *err)
{
	_cleanup_close_ int folder = open_dir(dir, true, err);
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
				 strerror(code));
	}
	return 0;
}

static bool get_number(struct bytes text, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned int digit = (unsigned int)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return text.size != 0 && value <= INT64_MAX;
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

/* Where the number of this name goes; NULL: there is none of this name. */
static uint64_t *number_of(struct daemon_state *s, struct bytes key, uint64_t *pid,
			   uint64_t *started, uint64_t *event)
{
	if (text_equals(key, "pid"))
		return pid;
	if (text_equals(key, "started"))
		return started;
	if (text_equals(key, "event-time"))
		return event;
	if (text_equals(key, "events"))
		return &s->events;
	if (text_equals(key, "refreshes"))
		return &s->refreshes;
	return text_equals(key, "failures") ? &s->failures : NULL;
}

static bool take(struct daemon_state *s, struct bytes key, struct bytes value)
{
	uint64_t pid = (uint64_t)s->pid, *number;
	uint64_t started = (uint64_t)s->started, event = (uint64_t)s->event_time;
	struct bytes rest;

	if (text_starts(key, "source.", &rest))
		return take_source(s, rest, value);
	if (text_equals(key, "event-source"))
		return get_text(value, s->event_source, sizeof(s->event_source));
	if (text_equals(key, "event-generation"))
		return get_text(value, s->event_generation, sizeof(s->event_generation));
	if (text_equals(key, "error"))
		return get_text(value, s->error, sizeof(s->error));
	number = number_of(s, key, &pid, &started, &event);
	if (!number)
		return true;
	if (!get_number(value, number) || pid > INT32_MAX)
		return false;
	s->pid = (int32_t)pid;
	s->started = (time_t)started;
	s->event_time = (time_t)event;
	return true;
}

int daemon_state_parse(struct bytes text, struct daemon_state *out, struct error *err)
{
	struct bytes line, key;

	*out = (struct daemon_state){ .running = false };
	while (text_cut(&text, '\n', &line)) {
		if (!text_cut(&line, '=', &key) || !take(out, key, line)) {
			*out = (struct daemon_state){ .running = false };
			return error_set(err, EBADMSG, "%s: it makes no sense",
					 STATE_FILE);
		}
	}
	return 0;
}

int daemon_state_read(const char *dir, struct daemon_state *out, struct error *err)
{
	_cleanup_close_ int folder = open_dir(dir, false, err);
	_cleanup_free_ char *path = NULL, *data = NULL;
	bool running;
	size_t size = 0;
	int ret;

	*out = (struct daemon_state){ .running = false };
	if (folder < 0)
		return folder;
	running = is_locked(folder);
	if (asprintf(&path, "%s/%s", dir, STATE_FILE) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_slurp(path, STATE_SIZE_MAX, &data, &size);
	if (ret)
		error_set(err, -ret, "%s: %s", path, strerror(-ret));
	else
		ret = daemon_state_parse((struct bytes){ (uint8_t *)data, size }, out,
					 err);
	out->running = running;
	return ret;
}
