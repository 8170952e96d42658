// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "load/recipe_check.h"
#include "machine/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME  "lock"
#define TEMPORARY  "crash.recipe.new"
#define LOCK_PAUSE 10000000 /* nanoseconds between two looks at the lock */
#define AGAIN	   "load the crash kernel again with kexec -p"

/* A file in the folder, for messages. */
struct place {
	char path[PATH_MAX + 32];
};

static const char *const slot_names[] = {
	[RECIPE_CURRENT] = "crash.recipe",
	[RECIPE_NEXT] = "crash.recipe.next",
};

/* The folder was opened by its path; the kernel remembers it. Asked only for a message. */
static struct place place_of(const struct recipe_dir *dir, const char *name)
{
	char link[64], folder[PATH_MAX] = RECIPE_DIR;
	struct place p;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir->fd);
	n = readlink(link, folder, sizeof(folder) - 1);
	if (n > 0)
		folder[n] = '\0';
	snprintf(p.path, sizeof(p.path), "%s/%s", folder, name);
	return p;
}

/* Why the system refused, and what helps. */
static int refused(const char *path, int code, struct error *err)
{
	const char *why = strerror(code);

	if (code == ENOSPC || code == EDQUOT)
		why = "its file system is full: make room there and try again";
	else if (code == EROFS)
		why = "its file system is read-only: mount it read-write";
	else if (code == EFBIG)
		why = "larger than this process may write (ulimit -f)";
	else if (code == EACCES || code == EPERM)
		why = "not permitted: this needs root";
	return error_set(err, code, "%s: %s", path, why);
}

/* The same for a file in the folder. */
static int refused_in(const struct recipe_dir *dir, const char *name, int code,
		      struct error *err)
{
	return refused(place_of(dir, name).path, code, err);
}

static int check_folder(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refused(path, errno, err);
	if (st.st_uid != geteuid())
		return error_set(err, EPERM,
				 "%s: belongs to user %u, not to %u: remove it", path,
				 st.st_uid, geteuid());
	if ((st.st_mode & 0777) != 0700)
		return error_set(err, EPERM,
				 "%s: its mode is 0%o, but only its owner may enter it: "
				 "chmod 700, after a look at what is in it",
				 path, st.st_mode & 0777);
	return 0;
}

int recipe_dir_look(const char *path, struct recipe_dir *out, struct error *err)
{
	int fd, ret;

	*out = RECIPE_DIR_NONE;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ENOENT,
				 "%s: does not exist: no crash kernel was "
				 "loaded by this program since boot",
				 path);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(err, EPERM,
				 "%s: a file or a symbolic link where a folder belongs: "
				 "remove it",
				 path);
	if (fd < 0)
		return refused(path, errno, err);
	ret = check_folder(fd, path, err);
	if (ret)
		close(fd);
	else
		out->fd = fd;
	return ret;
}

static int make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0)
		/* whatever the umask took away */
		return chmod(path, 0700) ? refused(path, errno, err) : 0;
	if (errno == EEXIST)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(
			err, errno,
			"%s: cannot be made, because the folder around it is not "
			"there: is /run mounted?",
			path);
	return refused(path, errno, err);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Without an alarm: signals are the program's. */
static int wait_for_lock(const struct recipe_dir *dir, unsigned int seconds,
			 struct error *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE };
	double end = now() + seconds;

	while (flock(dir->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return refused_in(dir, LOCK_NAME, errno, err);
		if (now() >= end)
			return error_set(err, EWOULDBLOCK,
					 "%s: another load or refresh is at work and did "
					 "not end within %u s: try again",
					 place_of(dir, LOCK_NAME).path, seconds);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A regular file with no other name, ours, in nobody else's reach. */
static int check_file(const struct recipe_dir *dir, const char *name, int fd,
		      struct stat *st, struct error *err)
{
	int ret = 0;

	if (fstat(fd, st) < 0)
		return refused_in(dir, name, errno, err);
	if (!S_ISREG(st->st_mode))
		ret = error_set(err, EPERM, "no regular file: remove it");
	else if (st->st_uid != geteuid())
		ret = error_set(err, EPERM, "belongs to user %u, not to %u: remove it",
				st->st_uid, geteuid());
	else if (st->st_mode & 077)
		ret = error_set(err, EPERM,
				"its mode is 0%o, so it may be anybody's: remove it",
				st->st_mode & 0777);
	else if (st->st_nlink > 1)
		ret = error_set(err, EPERM, "has %lu names, not one: remove it",
				(unsigned long)st->st_nlink);
	if (ret)
		error_prefix(err, "%s", place_of(dir, name).path);
	return ret;
}

/*
 * Opens a file of the folder. Without waiting for the other end of what may be a pipe;
 * regular files do not mind.
 */
static int open_in(const struct recipe_dir *dir, const char *name, int flags, int *fd,
		   struct error *err)
{
	int code;

	*fd = openat(dir->fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (*fd >= 0)
		return 0;
	code = errno;
	if (code == ENOENT)
		return error_set(err, ENOENT, "%s: does not exist",
				 place_of(dir, name).path);
	if (code == ELOOP || code == EISDIR || code == ENXIO)
		return error_set(err, EPERM, "%s: no regular file: remove it",
				 place_of(dir, name).path);
	return refused_in(dir, name, code, err);
}

static int lock_folder(struct recipe_dir *dir, unsigned int seconds, struct error *err)
{
	struct stat st;
	int ret;

	ret = open_in(dir, LOCK_NAME, O_RDONLY | O_CREAT, &dir->lock, err);
	if (!ret)
		ret = check_file(dir, LOCK_NAME, dir->lock, &st, err);
	/* made with a strange umask; not asked of a /run that is read-only meanwhile */
	if (!ret && (st.st_mode & 07777) != 0600 && fchmod(dir->lock, 0600) < 0)
		ret = refused_in(dir, LOCK_NAME, errno, err);
	if (!ret)
		ret = wait_for_lock(dir, seconds, err);
	if (!ret)
		ret = check_file(dir, LOCK_NAME, dir->lock, &st, err);
	if (!ret && !st.st_nlink) /* whoever comes next locks another file */
		ret = error_set(err, ESTALE, "%s: was removed meanwhile: try again",
				place_of(dir, LOCK_NAME).path);
	return ret;
}

int recipe_dir_open(const char *path, unsigned int seconds, struct recipe_dir *out,
		    struct error *err)
{
	int ret;

	ret = recipe_dir_look(path, out, err);
	if (ret == -ENOENT) {
		ret = make_folder(path, err);
		if (!ret)
			ret = recipe_dir_look(path, out, err);
	}
	if (!ret)
		ret = lock_folder(out, seconds, err);
	if (ret)
		recipe_dir_close(out);
	return ret;
}

void recipe_dir_close(struct recipe_dir *dir)
{
	if (dir->lock >= 0)
		close(dir->lock);
	if (dir->fd >= 0)
		close(dir->fd);
	*dir = RECIPE_DIR_NONE;
}

static int read_all(int fd, uint8_t *data, size_t size, size_t *used)
{
	for (*used = 0; *used < size;) {
		ssize_t n = read(fd, data + *used, size - *used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*used += (size_t)n;
	}
	return 0;
}

/* The file's bytes, which the caller frees. */
static int slurp(const struct recipe_dir *dir, const char *name, uint8_t **data,
		 size_t *size, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int ret;

	ret = open_in(dir, name, O_RDONLY, &fd, err);
	if (!ret)
		ret = check_file(dir, name, fd, &st, err);
	if (ret)
		return ret;
	if ((uint64_t)st.st_size > RECIPE_SIZE_MAX)
		return error_set(err, EBADMSG, "%s: too long: %llu bytes; " AGAIN,
				 place_of(dir, name).path,
				 (unsigned long long)st.st_size);
	*data = malloc((size_t)st.st_size + 1);
	if (!*data)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_all(fd, *data, (size_t)st.st_size, size);
	return ret ? refused_in(dir, name, -ret, err) : 0;
}

int recipe_read(const struct recipe_dir *dir, enum recipe_slot slot,
		const uint8_t *boot_id, struct recipe *out, struct error *err)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct error why;
	size_t size = 0;
	int ret;

	*out = (struct recipe){ 0 };
	ret = slurp(dir, slot_names[slot], &data, &size, err);
	if (ret)
		return ret;
	if (!size && slot == RECIPE_NEXT)
		return error_set(err, ENODATA, "%s: empty: what is loaded is refreshed",
				 place_of(dir, slot_names[slot]).path);
	ret = recipe_decode((struct bytes){ data, size }, out, &why);
	if (ret)
		return error_set(err, -ret, "%s: %s; " AGAIN,
				 place_of(dir, slot_names[slot]).path, why.text);
	if (memcmp(out->boot_id, boot_id, RECIPE_ID_SIZE) == 0)
		return 0;
	recipe_free(out);
	return error_set(err, ESTALE, "%s: of another boot; " AGAIN,
			 place_of(dir, slot_names[slot]).path);
}

bool recipe_exists(const struct recipe_dir *dir, enum recipe_slot slot)
{
	struct stat st;

	return fstatat(dir->fd, slot_names[slot], &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Both names are of this folder. */
static int rename_in(const struct recipe_dir *dir, const char *from, const char *to,
		     struct error *err)
{
	if (renameat(dir->fd, from, dir->fd, to) == 0)
		return 0;
	if (errno != ENOENT)
		return refused_in(dir, to, errno, err);
	return error_set(err, ENOENT, "%s: cannot be made: %s is not there",
			 place_of(dir, to).path, from);
}

/* A new file: one that somebody left behind is removed, which nobody uses while we have
 * the lock. */
static int write_temporary(const struct recipe_dir *dir, const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = -1;

	if (unlinkat(dir->fd, TEMPORARY, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir->fd, TEMPORARY,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	return file_write_all(fd, data, size);
}

int recipe_write(const struct recipe_dir *dir, enum recipe_slot slot,
		 const struct recipe *r, struct error *err)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0;
	int ret;

	if (dir->lock < 0)
		return error_set(err, EINVAL, "the recipe's folder is not locked");
	ret = recipe_encode(r, &data, &size, err);
	if (ret)
		return ret;
	ret = write_temporary(dir, data, size);
	if (ret)
		ret = refused_in(dir, slot_names[slot], -ret, err);
	else
		ret = rename_in(dir, TEMPORARY, slot_names[slot], err);
	if (ret)
		unlinkat(dir->fd, TEMPORARY, 0);
	return ret;
}

int recipe_promote(const struct recipe_dir *dir, struct error *err)
{
	return rename_in(dir, slot_names[RECIPE_NEXT], slot_names[RECIPE_CURRENT], err);
}

int recipe_mark(const struct recipe_dir *dir, struct error *err)
{
	_cleanup_close_ int fd = -1;

	return open_in(dir, slot_names[RECIPE_NEXT], O_RDONLY | O_CREAT | O_EXCL, &fd,
		       err);
}

void recipe_unmark(const struct recipe_dir *dir)
{
	struct stat st;

	if (!fstatat(dir->fd, slot_names[RECIPE_NEXT], &st, AT_SYMLINK_NOFOLLOW) &&
	    !st.st_size)
		unlinkat(dir->fd, slot_names[RECIPE_NEXT], 0);
}

int recipe_remove(const struct recipe_dir *dir, enum recipe_slot slot, struct error *err)
{
	if (unlinkat(dir->fd, slot_names[slot], 0) == 0 || errno == ENOENT)
		return 0;
	return refused_in(dir, slot_names[slot], errno, err);
}

/* 32 hexadecimal digits in five groups with a dash between them: random(4). */
static bool parse_id(struct bytes text, uint8_t out[RECIPE_ID_SIZE])
{
	static const size_t digits[] = { 8, 4, 4, 4, 12 };
	struct bytes group;
	uint64_t value;

	if (text.size != 36)
		return false;
	for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++) {
		if (!text_cut(&text, '-', &group) || group.size != digits[i] ||
		    (group.size > 1 && group.data[1] == 'x') || !text_hex(group, &value))
			return false;
		for (size_t bits = 4 * digits[i]; bits; bits -= 8)
			*out++ = (uint8_t)(value >> (bits - 8));
	}
	return !text.size;
}

int boot_id_read(const char *root, uint8_t out[RECIPE_ID_SIZE], struct error *err)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t size = 0;
	int ret;

	if (asprintf(&path, "%s/proc/sys/kernel/random/boot_id", root) < 0) {
		path = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	ret = file_slurp(path, 64, &text, &size);
	if (ret)
		return error_set(err, -ret, "%s: %s", path, strerror(-ret));
	if (!parse_id(text_trim((struct bytes){ (const uint8_t *)text, size }), out))
		return error_set(err, EINVAL, "%s: no boot ID", path);
	return 0;
}
