// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/memmap.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "machine/sysfs_table.h"

#include <errno.h>

/* A new kernel may name a type that we do not know: no reason to load nothing. */
static int read_type(const char *path, uint32_t number, uint32_t *type,
		     struct notes *notes, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	int ret = sysfs_table_text(path, number, "type", &name, err);

	if (ret)
		return ret;
	if (memory_type_from_name(text_from(name), type))
		return 0;
	error_set(err, EINVAL,
		  "%s/%u/type: '%.64s' is not a known type of memory: taken as reserved",
		  path, number, name);
	notes_add(notes, "%s", err->text);
	err->text[0] = '\0'; /* not an error */
	return 0;
}

static int read_entry(const char *path, uint32_t number, struct memory_map *map,
		      struct notes *notes, struct error *err)
{
	uint64_t start, last;
	uint32_t type = 0;
	int ret;

	ret = sysfs_table_hex(path, number, "start", &start, err);
	if (ret)
		return ret;
	ret = sysfs_table_hex(path, number, "end", &last, err);
	if (ret)
		return ret;
	ret = read_type(path, number, &type, notes, err);
	if (ret)
		return ret;
	if (last + 1 == start) /* the kernel's form of an empty entry */
		return 0;
	ret = memory_map_add(map, start, last, type);
	if (ret)
		return error_set(err, -ret, "%s/%u: %#llx-%#llx: %s", path, number,
				 (unsigned long long)start, (unsigned long long)last,
				 memory_map_strerror(ret));
	return 0;
}

int x86_memmap_read(const char *root, struct memory_map *out, struct notes *notes,
		    struct error *err)
{
	_cleanup_free_ uint32_t *numbers = NULL;
	_cleanup_free_ char *path = NULL;
	size_t count = 0;
	int ret;

	if (asprintf(&path, "%s/sys/firmware/memmap", root) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = sysfs_table_list(path, "", MEMORY_MAP_MAX, &numbers, &count);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return error_set(err, -ret, "%s: %s", path, memory_map_strerror(ret));
	for (size_t i = 0; i < count; i++) {
		ret = read_entry(path, numbers[i], out, notes, err);
		if (ret) {
			memory_map_free(out);
			return ret;
		}
	}
	memory_map_sort(out);
	return 0;
}
