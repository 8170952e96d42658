// SPDX-License-Identifier: GPL-2.0-only
/* Small files, read whole: see file.h. */
#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>

int file_slurp(const char *path, size_t max, char **data, size_t *size)
{
	/* do not wait for a FIFO's writer */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *buf = NULL;
	size_t used = 0, room = 0;

	*size = 0; /* link-time optimisation does not know that errno is never 0 here */
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

int file_slurp_in(const char *root, const char *name, size_t max, char **data,
		  size_t *size)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s", root, name) < 0)
		return -ENOMEM;
	return file_slurp(path, max, data, size);
}

int file_next(DIR *dir, const struct dirent **entry)
{
	errno = 0;
	*entry = readdir(dir);
	return *entry ? 1 : -errno;
}
