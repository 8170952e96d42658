// SPDX-License-Identifier: GPL-2.0-only
#include "machine/memmap.h"

#include "base/cleanup.h"
#include "machine/attr.h"
#include "machine/e820.h"
#include "machine/text.h"

#include <errno.h>

static int read_type(const char *path, uint32_t number, uint32_t *type, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	int ret = attr_text(path, number, "type", &name, err);

	if (ret)
		return ret;
	if (e820_type_from_name(text_from(name), type))
		return 0;
	return error_set(err, EINVAL, "%s/%u/type: '%.64s' is not a type of memory", path,
			 number, name);
}

static int read_entry(const char *path, uint32_t number, struct e820_map *map,
		      struct error *err)
{
	uint64_t start, last;
	uint32_t type = 0;
	int ret;

	ret = attr_hex(path, number, "start", &start, err);
	if (ret)
		return ret;
	ret = attr_hex(path, number, "end", &last, err);
	if (ret)
		return ret;
	ret = read_type(path, number, &type, err);
	if (ret)
		return ret;
	if (last + 1 == start) /* the kernel shows an empty entry this way */
		return 0;
	ret = e820_add(map, start, last, type);
	if (ret)
		return error_set(err, -ret, "%s/%u: %#llx-%#llx: %s", path, number,
				 (unsigned long long)start, (unsigned long long)last,
				 e820_strerror(ret));
	return 0;
}

int memmap_read(const char *root, struct e820_map *out, struct error *err)
{
	_cleanup_free_ uint32_t *numbers = NULL;
	_cleanup_free_ char *path = NULL;
	size_t count = 0;
	int ret;

	if (asprintf(&path, "%s/sys/firmware/memmap", root) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = attr_list(path, E820_MAP_MAX, &numbers, &count);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return error_set(err, -ret, "%s: %s", path, e820_strerror(ret));
	for (size_t i = 0; i < count; i++) {
		ret = read_entry(path, numbers[i], out, err);
		if (ret) {
			e820_free(out);
			return ret;
		}
	}
	e820_sort(out);
	return 0;
}
