// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int check_kind(const struct stat *st, const char *path, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		return error_set(err, EISDIR, "%s: is a directory, not a file", path);
	if (!S_ISREG(st->st_mode))
		return error_set(err, EINVAL, "%s: not a regular file", path);
	if (st->st_size == 0)
		return error_set(err, ENOEXEC, "%s: the file is empty", path);
	if ((uint64_t)st->st_size > SIZE_MAX)
		return error_set(err, EFBIG, "%s: the file is too large", path);
	return 0;
}

/* Maps what @fd holds and makes @out its owner; on failure the caller keeps it. */
static int map_file(int fd, const char *path, struct file *out, struct error *err)
{
	struct stat st;
	void *map;
	int ret;

	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	ret = check_kind(&st, path, err);
	if (ret)
		return ret;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return error_set(err, errno, "%s: cannot map: %s", path, strerror(errno));
	out->path = strdup(path);
	if (!out->path) {
		munmap(map, (size_t)st.st_size);
		return error_set(err, ENOMEM, "%s: out of memory", path);
	}
	out->bytes = (struct bytes){ .data = map, .size = (size_t)st.st_size };
	out->mapping = map;
	out->fd = fd;
	return 0;
}

int file_open(const char *path, struct file *out, struct error *err)
{
	int fd, ret;

	*out = FILE_NONE;
	/* a FIFO must not make us wait for its writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	ret = map_file(fd, path, out, err);
	if (ret)
		close(fd);
	return ret;
}

static int copy_all(int from, int to)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, buf + done, (size_t)(n - done));
			if (w < 0)
				return -errno;
		}
	}
	return 0;
}

int file_open_copy(const char *path, struct file *out, struct error *err)
{
	_cleanup_close_ int from = open(path, O_RDONLY | O_CLOEXEC);
	int fd, ret;

	*out = FILE_NONE;
	if (from < 0)
		return error_set(err, errno, "%s: %s", path, strerror(errno));
	fd = memfd_create("kexec-seed", MFD_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "%s: no memory for it: %s", path,
				 strerror(errno));
	ret = copy_all(from, fd);
	ret = ret ? error_set(err, -ret, "%s: %s", path, strerror(-ret))
		  : map_file(fd, path, out, err);
	if (ret)
		close(fd);
	return ret;
}

void file_close(struct file *f)
{
	if (f->mapping)
		munmap(f->mapping, f->bytes.size);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = FILE_NONE;
}

int file_slurp(const char *path, size_t max, char **data, size_t *size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *buf = NULL;
	size_t used = 0, room = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (room - used < 2) { /* one byte to read, one for the NUL */
			char *larger;

			room = room ? room * 2 : 4096;
			larger = realloc(buf, room);
			if (!larger)
				return -ENOMEM;
			buf = larger;
		}
		n = read(fd, buf + used, room - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max)
			return -EFBIG;
	}
	buf[used] = '\0';
	*data = take_ptr(buf);
	*size = used;
	return 0;
}
