// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Block devices are copied; a larger one is hardly meant. */
#define BLOCK_DEVICE_MAX ((off_t)1 << 30)
#define COPY_STEP	 16384 /* bytes, on the stack */

/* True for a file that claims to be empty, as those of /proc do. */
static bool has_content(int fd)
{
	char byte;

	return pread(fd, &byte, 1, 0) == 1;
}

/* -ENOTBLK: the file has to be copied. */
static int check_kind(const struct stat *st, int fd, const char *path, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		return error_set(err, EISDIR, "%s: is a directory, not a file", path);
	if (S_ISBLK(st->st_mode))
		return error_set(err, ENOTBLK, "%s: a block device", path);
	if (!S_ISREG(st->st_mode))
		return error_set(
			err, EINVAL,
			"%s: not a regular file or block device; load a copy of its "
			"content",
			path);
	if (st->st_size == 0 && has_content(fd))
		return error_set(
			err, EINVAL,
			"%s: a file without a size, as in /proc; load a copy of it",
			path);
	if (st->st_size == 0)
		return error_set(err, ENOEXEC, "%s: the file is empty", path);
	if ((uint64_t)st->st_size > SIZE_MAX)
		return error_set(err, EFBIG, "%s: the file is too large", path);
	return 0;
}

static struct file_stamp make_stamp(const struct stat *st)
{
	return (struct file_stamp){ (uint64_t)st->st_size, st->st_mtim };
}

static bool is_same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

/*
 * A lease keeps writers out while the file is open. If the kernel grants none (a writer
 * has the file open, or the file system has no leases), file_check() still detects a
 * change. The kernel signals a waiting writer; SIGURG is ignored by default.
 */
static void keep_writers_out(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGURG) == 0)
		fcntl(fd, F_SETLEASE, F_RDLCK);
}

static int map(struct file *f, struct error *err)
{
	void *p = mmap(NULL, f->stamp.size, PROT_READ, MAP_PRIVATE, f->fd, 0);
	const bool copy = p == MAP_FAILED && errno == EACCES; /* SELinux may have it so */
	int ret = 0;

	if (copy)
		p = mmap(NULL, f->stamp.size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED && errno == EIO)
		return error_set(
			err, EIO,
			"%s: a file that cannot be mapped, as in /proc; load a copy of it",
			f->path);
	if (p == MAP_FAILED)
		return error_set(err, errno, "%s: cannot map: %s", f->path,
				 errno_text(errno));
	f->mapping = p;
	f->bytes = (struct bytes){ p, f->stamp.size };
	f->head_size = f->stamp.size < FILE_HEAD ? f->stamp.size : FILE_HEAD;
	if (copy)
		ret = file_read(f, 0, p, f->stamp.size, err);
	return ret ? ret : file_read(f, 0, f->head, f->head_size, err);
}

int file_adopt(int fd, const char *path, struct file *out, struct error *err)
{
	struct stat st;
	int ret;

	*out = FILE_NONE;
	out->fd = fd;
	out->path = strdup(path);
	if (!out->path)
		ret = error_set(err, ENOMEM, "%s: out of memory", path);
	else if (fstat(fd, &st) < 0)
		ret = error_set(err, errno, "%s: %s", path, errno_text(errno));
	else
		ret = check_kind(&st, fd, path, err);
	if (!ret) {
		out->stamp = make_stamp(&st);
		ret = map(out, err);
	}
	if (ret)
		file_close(out);
	return ret;
}

int file_write_all(int fd, const void *data, size_t size)
{
	const uint8_t *buf = data;

	while (size) {
		ssize_t n = write(fd, buf, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		size -= (size_t)n;
	}
	return 0;
}

static int no_memory(const char *path, int code, struct error *err)
{
	return error_set(err, code, "%s: no memory for it: %s", path, errno_text(code));
}

static int copy_all(int from, int to, const char *path, struct error *err)
{
	char buf[COPY_STEP];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "%s: %s", path, errno_text(errno));
		ret = file_write_all(to, buf, (size_t)n);
		if (ret)
			return no_memory(path, -ret, err);
	}
	return 0;
}

/* Copies the rest of @from into a memfd. @from stays the caller's. */
static int open_copy(int from, const char *path, struct file *out, struct error *err)
{
	int fd = memfd_create("kexec-seed", MFD_CLOEXEC), ret;

	if (fd < 0)
		return no_memory(path, errno, err);
	ret = copy_all(from, fd, path, err);
	if (!ret)
		return file_adopt(fd, path, out, err);
	close(fd);
	return ret;
}

/* Fallback for a file that cannot be mapped, or passed to kexec_file_load(). */
static int open_unmapped(const char *path, struct file *out, struct error *err)
{
	_cleanup_close_ int from = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return error_set(err, errno, "%s: %s", path, errno_text(errno));
	if (S_ISBLK(st.st_mode) && lseek(from, 0, SEEK_END) > BLOCK_DEVICE_MAX)
		return error_set(
			err, EFBIG,
			"%s: a block device of more than 1 GiB; copy the file out of "
			"it and load that",
			path);
	lseek(from, 0, SEEK_SET);
	return open_copy(from, path, out, err);
}

int file_open(const char *path, struct file *out, struct error *err)
{
	/* do not wait for a FIFO's writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;

	*out = FILE_NONE;
	if (fd < 0)
		return error_set(err, errno, "%s: %s", path, errno_text(errno));
	keep_writers_out(fd);
	ret = file_adopt(fd, path, out, err);
	return ret == -ENODEV || ret == -ENOTBLK ? open_unmapped(path, out, err) : ret;
}

int file_copy(const struct file *f, struct file *out, struct error *err)
{
	*out = FILE_NONE;
	if (lseek(f->fd, 0, SEEK_SET) < 0)
		return error_set(err, errno, "%s: %s", f->path, errno_text(errno));
	return open_copy(f->fd, f->path, out, err);
}

int file_read_at(int fd, uint64_t offset, void *buf, size_t size, size_t *used)
{
	for (*used = 0; *used < size;) {
		ssize_t n = pread(fd, (char *)buf + *used, size - *used,
				  (off_t)(offset + *used));

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

int file_read(const struct file *f, uint64_t offset, void *buf, size_t size,
	      struct error *err)
{
	size_t used;
	int ret = file_read_at(f->fd, offset, buf, size, &used);

	if (ret)
		return error_set(err, -ret, "%s: %s", f->path, errno_text(-ret));
	if (used < size)
		return error_set(
			err, ESTALE,
			"%s: became shorter while it was being loaded; try again "
			"when it is whole",
			f->path);
	return 0;
}

int file_check(const struct file *f, struct error *err)
{
	struct file_stamp now;
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return error_set(err, errno, "%s: %s", f->path, errno_text(errno));
	now = make_stamp(&st);
	if (is_same_stamp(&now, &f->stamp))
		return 0;
	return error_set(
		err, ESTALE,
		"%s: changed while it was being loaded; try again when it is whole",
		f->path);
}

static int write_part(int fd, const struct file *f, struct file_part p, struct error *err)
{
	uint8_t buf[COPY_STEP];

	f = p.file ? p.file : f;
	if (lseek(fd, (off_t)p.to, SEEK_SET) < 0)
		return no_memory(f->path, errno, err);
	while (p.size) {
		size_t step = p.data || p.size < sizeof(buf) ? p.size : sizeof(buf);
		int ret = p.data ? 0 : file_read(f, p.from, buf, step, err);

		if (ret)
			return ret;
		ret = file_write_all(fd, p.data ? p.data : buf, step);
		if (ret)
			return no_memory(f->path, -ret, err);
		p.from += step;
		p.size -= step;
	}
	return file_check(f, err); /* the copy must not mix old and new content */
}

static int write_parts(int fd, const struct file *f, const struct file_part *parts,
		       size_t count, uint64_t size, struct error *err)
{
	if (ftruncate(fd, (off_t)size) < 0)
		return no_memory(f->path, errno, err);
	for (size_t i = 0; i < count; i++) {
		int ret = write_part(fd, f, parts[i], err);

		if (ret)
			return ret;
	}
	return 0;
}

int file_compose(const struct file *f, const struct file_part *parts, size_t count,
		 uint64_t size, struct file *out, struct error *err)
{
	int fd = memfd_create("kexec-seed", MFD_CLOEXEC), ret;

	*out = FILE_NONE;
	if (fd < 0)
		return no_memory(f->path, errno, err);
	ret = write_parts(fd, f, parts, count, size, err);
	if (!ret)
		return file_adopt(fd, f->path, out, err);
	close(fd);
	return ret;
}

/* Appends the file @name to the memfd @fd; *@end: where that ends, and then where it does. */
static int append_file(int fd, const char *name, size_t align, uint64_t *end,
		       struct error *err)
{
	struct file f;
	int ret = file_open(name, &f, err);

	if (ret)
		return ret;
	ret = write_part(fd, &f, (struct file_part){ .to = *end, .size = f.stamp.size },
			 err);
	if (!ret)
		ret = file_check(&f, err);
	*end += align_up(f.stamp.size, align);
	if (!ret && ftruncate(fd, (off_t)*end) < 0)
		ret = no_memory(name, errno, err);
	file_close(&f);
	return ret;
}

int file_open_all(const char *names, size_t align, struct file *out, struct error *err)
{
	_cleanup_free_ char *path = strdup(names);
	struct bytes rest = text_from(names), line;
	uint64_t end = 0;
	int fd, ret = 0;

	*out = FILE_NONE;
	if (!strchr(names, '\n'))
		return file_open(names, out, err);
	fd = path ? memfd_create("kexec-seed", MFD_CLOEXEC) : -1;
	if (fd < 0)
		return no_memory(names, errno, err);
	while (!ret && text_cut(&rest, '\n', &line)) {
		snprintf(path, line.size + 1, "%s", (const char *)line.data);
		ret = append_file(fd, path, align, &end, err);
	}
	if (ret) {
		close(fd);
		return ret;
	}
	strcpy(path, names); /* for messages, on one line */
	for (char *p = path; (p = strchr(p, '\n'));)
		*p = '+';
	return file_adopt(fd, path, out, err);
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

void file_keep_standard(void)
{
	int fd;

	do /* exists even before /dev does */
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

bool file_is_trouble(int ret)
{
	return ret == -ENOMEM || ret == -EMFILE || ret == -ENFILE || ret == -EIO;
}
