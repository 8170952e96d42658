// SPDX-License-Identifier: GPL-2.0-only
#include "machine/acpi_tables.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>

#define TABLES_DIR	 "/sys/firmware/acpi/tables"
#define TABLES_TOTAL_MAX ((size_t)16 << 20) /* bytes */

static void set(struct vmgenid *out, enum vmgenid_state state, const char *why)
{
	*out = (struct vmgenid){ .state = state };
	snprintf(out->why, sizeof(out->why), "%s", why);
}

/* Contents of all table files. */
struct tables {
	struct bytes files[VMGENID_TABLES_MAX]; /* owned */
	size_t count;
	size_t total;
};

static void free_tables(struct tables *t)
{
	for (size_t i = 0; i < t->count; i++)
		free((void *)t->files[i].data);
}

/* True for a table with code. The kernel numbers tables of the same signature. */
static bool is_table(const char *name)
{
	static const char *const signatures[] = { "DSDT", "SSDT", "PSDT", "OSDT" };
	struct bytes rest;
	uint32_t number;

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (text_starts(text_from(name), signatures[i], &rest))
			return !rest.size || text_decimal(rest, &number);
	return false;
}

static int read_table(const char *dir, const char *name, struct tables *t)
{
	_cleanup_free_ char *path = NULL;
	char *data;
	size_t size;
	int ret;

	if (t->count == VMGENID_TABLES_MAX)
		return -E2BIG;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	ret = file_slurp(path, VMGENID_TABLE_MAX, &data, &size);
	if (ret)
		return ret;
	t->files[t->count++] = (struct bytes){ (uint8_t *)data, size };
	t->total += size;
	return t->total > TABLES_TOTAL_MAX ? -E2BIG : 0;
}

static int read_tables(const char *root, const char *name, struct tables *t)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_free_ char *path = NULL;
	const struct dirent *d;
	int ret;

	if (asprintf(&path, "%s%s", root, name) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((ret = file_next(dir, &d)) > 0) {
		ret = is_table(d->d_name) ? read_table(path, d->d_name, t) : 0;
		if (ret)
			return ret;
	}
	return ret;
}

void acpi_tables_find_vmgenid(const struct phys_mem *mem, struct vmgenid *out)
{
	_cleanup_(free_tables) struct tables t = { .count = 0 };
	int ret = read_tables(mem->root, TABLES_DIR, &t);

	if (ret == -ENOENT)
		return set(out, VMGENID_ABSENT, "no ACPI tables");
	if (!ret) {
		ret = read_tables(mem->root, TABLES_DIR "/dynamic", &t);
		if (ret == -ENOENT)
			ret = 0;
	}
	if (ret == -EACCES || ret == -EPERM)
		return set(out, VMGENID_HIDDEN, "only root can read the ACPI tables");
	if (ret)
		return set(out, VMGENID_UNKNOWN_SHAPE, errno_text(-ret));
	vmgenid_find(t.files, t.count, mem, out);
}
