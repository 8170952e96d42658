// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/run_dir.h"
#include "base/text.h"
#include "base/units.h"
#include "load/recipe_check.h"
#include "load/remedy.h"

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
#define LOCK_PAUSE 10000000 /* nanoseconds between attempts to lock */
#define AGAIN	   "load the crash kernel again with %s"

/* Path of a file in the directory, for messages. */
struct path {
	char text[PATH_MAX + 32];
};

static const char *const file_names[] = {
	[RECIPE_CURRENT] = "crash.recipe",
	[RECIPE_PENDING] = "crash.recipe.next",
};

/* Asks the kernel for the path by which the directory was opened. For messages only. */
static struct path path_of(const struct recipe_dir *dir, const char *name)
{
	char link[64], folder[PATH_MAX] = RUN_DIR;
	struct path p;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir->fd);
	n = readlink(link, folder, sizeof(folder) - 1);
	if (n > 0)
		folder[n] = '\0';
	snprintf(p.text, sizeof(p.text), "%s/%s", folder, name);
	return p;
}

/* As run_dir_refused(), for a file in the directory. */
static int refused_in(const struct recipe_dir *dir, const char *name, int code,
		      struct error *err)
{
	return run_dir_refused(path_of(dir, name).text, code, err);
}

int recipe_dir_look(const char *path, struct recipe_dir *out, struct error *err)
{
	*out = RECIPE_DIR_NONE;
	out->fd = run_dir_open(path, false, err);
	return out->fd < 0 ? out->fd : 0;
}

/* Polls, since SIGALRM belongs to the program. */
static int wait_for_lock(const struct recipe_dir *dir, unsigned int seconds,
			 struct error *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE };
	double end = monotonic_now() + seconds;

	while (flock(dir->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return refused_in(dir, LOCK_NAME, errno, err);
		if (monotonic_now() >= end)
			return error_set(
				err, EWOULDBLOCK,
				"%s: another load or refresh is under way and did "
				"not end within %u s: try again",
				path_of(dir, LOCK_NAME).text, seconds);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Accepts only a regular file with a single link, owned by us and closed to others. */
static int check_file(const struct recipe_dir *dir, const char *name, int fd,
		      struct stat *st, struct error *err)
{
	int ret = 0;

	if (fstat(fd, st) < 0)
		return refused_in(dir, name, errno, err);
	if (!S_ISREG(st->st_mode))
		ret = error_set(err, EPERM, "not a regular file: remove it");
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
		error_prefix(err, "%s", path_of(dir, name).text);
	return ret;
}

/* Opens a file in the directory. O_NONBLOCK, since opening a FIFO must not block. */
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
				 path_of(dir, name).text);
	if (code == ELOOP || code == EISDIR || code == ENXIO)
		return error_set(err, EPERM, "%s: not a regular file: remove it",
				 path_of(dir, name).text);
	return refused_in(dir, name, code, err);
}

static int lock_folder(struct recipe_dir *dir, unsigned int seconds, struct error *err)
{
	struct stat st;
	int ret;

	ret = open_in(dir, LOCK_NAME, O_RDONLY | O_CREAT, &dir->lock, err);
	if (!ret)
		ret = check_file(dir, LOCK_NAME, dir->lock, &st, err);
	/* mend an unusual umask at creation; /run may be read-only now */
	if (!ret && (st.st_mode & 07777) != 0600 && fchmod(dir->lock, 0600) < 0)
		ret = refused_in(dir, LOCK_NAME, errno, err);
	if (!ret)
		ret = wait_for_lock(dir, seconds, err);
	if (!ret)
		ret = check_file(dir, LOCK_NAME, dir->lock, &st, err);
	if (!ret && !st.st_nlink) /* the next process would lock another file */
		ret = error_set(err, ESTALE, "%s: was removed: try again",
				path_of(dir, LOCK_NAME).text);
	return ret;
}

int recipe_dir_open(const char *path, unsigned int seconds, struct recipe_dir *out,
		    struct error *err)
{
	int ret;

	*out = RECIPE_DIR_NONE;
	out->fd = run_dir_open(path, true, err);
	ret = out->fd < 0 ? out->fd : 0;
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

/* Reads the whole file; the caller frees *@data. */
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
				 path_of(dir, name).text, (unsigned long long)st.st_size,
				 remedy_reload(""));
	*data = malloc((size_t)st.st_size + 1);
	if (!*data)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_read_at(fd, 0, *data, (size_t)st.st_size, size);
	return ret ? refused_in(dir, name, -ret, err) : 0;
}

int recipe_read(const struct recipe_dir *dir, enum recipe_state which,
		const uint8_t *boot_id, struct recipe *out, struct error *err)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct error why;
	size_t size = 0;
	int ret;

	*out = (struct recipe){ 0 };
	ret = slurp(dir, file_names[which], &data, &size, err);
	if (ret)
		return ret;
	if (!size && which == RECIPE_PENDING)
		return error_set(err, ENODATA,
				 "%s: empty: the loaded image is being refreshed",
				 path_of(dir, file_names[which]).text);
	ret = recipe_decode((struct bytes){ data, size }, out, &why);
	if (ret)
		return error_set(err, -ret, "%s: %s; " AGAIN,
				 path_of(dir, file_names[which]).text, why.text,
				 remedy_reload(""));
	if (memcmp(out->boot_id, boot_id, BOOT_ID_SIZE) == 0)
		return 0;
	recipe_free(out);
	return error_set(err, ESTALE, "%s: written before the last boot; " AGAIN,
			 path_of(dir, file_names[which]).text, remedy_reload(""));
}

/* Renames within the directory. */
static int rename_in(const struct recipe_dir *dir, const char *from, const char *to,
		     struct error *err)
{
	if (renameat(dir->fd, from, dir->fd, to) == 0)
		return 0;
	if (errno != ENOENT)
		return refused_in(dir, to, errno, err);
	return error_set(err, ENOENT, "%s: cannot be made: %s is not there",
			 path_of(dir, to).text, from);
}

/*
 * Always creates a new file. A leftover can be removed: nobody uses it while we hold the
 * lock.
 */
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

int recipe_write(const struct recipe_dir *dir, enum recipe_state which,
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
		ret = refused_in(dir, file_names[which], -ret, err);
	else
		ret = rename_in(dir, TEMPORARY, file_names[which], err);
	if (ret)
		unlinkat(dir->fd, TEMPORARY, 0);
	return ret;
}

int recipe_commit(const struct recipe_dir *dir, struct error *err)
{
	return rename_in(dir, file_names[RECIPE_PENDING], file_names[RECIPE_CURRENT],
			 err);
}

int recipe_begin_refresh(const struct recipe_dir *dir, struct error *err)
{
	_cleanup_close_ int fd = -1;

	return open_in(dir, file_names[RECIPE_PENDING], O_RDONLY | O_CREAT | O_EXCL, &fd,
		       err);
}

void recipe_end_refresh(const struct recipe_dir *dir)
{
	struct stat st;

	if (!fstatat(dir->fd, file_names[RECIPE_PENDING], &st, AT_SYMLINK_NOFOLLOW) &&
	    !st.st_size)
		unlinkat(dir->fd, file_names[RECIPE_PENDING], 0);
}

int recipe_remove(const struct recipe_dir *dir, enum recipe_state which,
		  struct error *err)
{
	if (unlinkat(dir->fd, file_names[which], 0) == 0 || errno == ENOENT)
		return 0;
	return refused_in(dir, file_names[which], errno, err);
}

/* Parses 32 hexadecimal digits in five groups separated by dashes: random(4). */
static bool parse_id(struct bytes text, uint8_t out[BOOT_ID_SIZE])
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

int boot_id_read(const char *root, uint8_t out[BOOT_ID_SIZE], struct error *err)
{
	static const char name[] = "/proc/sys/kernel/random/boot_id";
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int ret = file_slurp_in(root, name, 64, &text, &size);

	if (ret)
		return error_set(err, -ret, "%s%s: %s", root, name, errno_text(-ret));
	if (!parse_id(text_trim((struct bytes){ (const uint8_t *)text, size }), out))
		return error_set(err, EINVAL, "%s%s: not a boot ID", root, name);
	return 0;
}
