// SPDX-License-Identifier: GPL-2.0-only
#include "machine/sysfs_table.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>

#define ATTR_SIZE_MAX 4096 /* a sysfs file has a page at most */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int sysfs_table_list(const char *path, const char *prefix, size_t max, uint32_t **numbers,
		     size_t *count)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	_cleanup_free_ uint32_t *list = NULL;
	const struct dirent *d;
	size_t used = 0;
	int ret;

	if (!dir)
		return -errno;
	while ((ret = file_next(dir, &d)) > 0) {
		struct bytes digits;
		uint32_t number, *larger;

		if (!text_starts(text_from(d->d_name), prefix, &digits) ||
		    !text_decimal(digits, &number))
			continue;
		if (used == max)
			return -E2BIG;
		larger = reallocarray(list, used + 1, sizeof(*list));
		if (!larger)
			return -ENOMEM;
		list = larger;
		list[used++] = number;
	}
	if (ret)
		return ret;
	if (used)
		qsort(list, used, sizeof(*list), compare);
	*numbers = take_ptr(list);
	*count = used;
	return 0;
}

/* Reads a file with one value, without its newline; the caller frees *@text. */
static int read_value(const char *path, char **text)
{
	size_t size;
	int ret = file_slurp(path, ATTR_SIZE_MAX, text, &size);

	if (ret)
		return ret;
	if (size && (*text)[size - 1] == '\n')
		(*text)[size - 1] = '\0';
	return 0;
}

/* Reads the file @path as a hexadecimal number; -EINVAL if it holds none. */
static int read_hex(const char *path, uint64_t *value, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int ret = read_value(path, &text);

	if (ret)
		return error_set(err, -ret, "%s: %s", path, errno_text(-ret));
	if (text_hex(text_from(text), value))
		return 0;
	return error_set(err, EINVAL, "%s: '%.32s' is not a hexadecimal number", path,
			 text);
}

int sysfs_table_text(const char *path, uint32_t number, const char *name, char **text,
		     struct error *err)
{
	_cleanup_free_ char *file = NULL;
	int ret;

	if (asprintf(&file, "%s/%u/%s", path, number, name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_value(file, text);
	if (ret)
		return error_set(err, -ret, "%s: %s", file, errno_text(-ret));
	return 0;
}

int sysfs_table_hex(const char *path, uint32_t number, const char *name, uint64_t *value,
		    struct error *err)
{
	_cleanup_free_ char *file = NULL;

	if (asprintf(&file, "%s/%u/%s", path, number, name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return read_hex(file, value, err);
}

int sysfs_file_hex(const char *root, const char *path, uint64_t *value, struct error *err)
{
	_cleanup_free_ char *file = NULL;
	struct error why;
	int ret;

	if (asprintf(&file, "%s%s", root, path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_hex(file, value, &why);
	if (ret == -EINVAL || file_is_trouble(ret))
		*err = why;
	return ret;
}
