// SPDX-License-Identifier: GPL-2.0-only
#include "base/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int run_dir_refused(const char *path, int code, struct error *err)
{
	const char *why = errno_text(code);

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

static int check_folder(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return run_dir_refused(path, errno, err);
	if (st.st_uid != geteuid())
		return error_set(err, EPERM,
				 "%s: belongs to user %u, not to %u: remove it", path,
				 st.st_uid, geteuid());
	if ((st.st_mode & 0777) != 0700)
		return error_set(err, EPERM,
				 "%s: its mode is 0%o, but only its owner may enter it: "
				 "check what is in it, then chmod 700",
				 path, st.st_mode & 0777);
	return 0;
}

static int make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0)
		/* the umask may have cleared bits */
		return chmod(path, 0700) ? run_dir_refused(path, errno, err) : 0;
	if (errno == EEXIST)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(
			err, errno,
			"%s: cannot be made, because its parent folder is missing: "
			"is /run mounted?",
			path);
	return run_dir_refused(path, errno, err);
}

static int open_folder(const char *path, struct error *err)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ENOENT,
				 "%s: does not exist: no crash kernel was loaded by this "
				 "program since boot",
				 path);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(err, EPERM,
				 "%s: a file or a symbolic link where a folder belongs: "
				 "remove it",
				 path);
	if (fd < 0)
		return run_dir_refused(path, errno, err);
	ret = check_folder(fd, path, err);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int run_dir_open(const char *path, bool make, struct error *err)
{
	int fd = open_folder(path, err), ret;

	if (fd != -ENOENT || !make)
		return fd;
	ret = make_folder(path, err);
	return ret ? ret : open_folder(path, err);
}
