// SPDX-License-Identifier: GPL-2.0-only
#include "image/addons.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

#define FOLDER_SUFFIX ".extra.d"
#define ADDON_SUFFIX  ".addon.efi"
#define UNAME_MAX     256u /* bytes; no kernel's release is that long */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), size = strlen(suffix);

	return length > size && !strcmp(name + length - size, suffix);
}

/* Orders by bytes, in every locale. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of files. */
struct names {
	char **items; /* owned */
	size_t count;
};

static int add_name(struct names *names, const char *name)
{
	char *copy = strdup(name);
	char **larger =
		copy ? reallocarray(names->items, names->count + 1, sizeof(*larger))
		     : NULL;

	if (!larger) {
		free(copy);
		return -ENOMEM;
	}
	names->items = larger;
	names->items[names->count++] = copy;
	return 0;
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

/* Lists the addons in @folder; *@others: how many other files there are. */
static int list_addons(const char *folder, struct names *names, size_t *others,
		       struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);
	const struct dirent *entry;
	int ret;

	*others = 0;
	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir)
		return error_set(err, errno, "%s: %s", folder, errno_text(errno));
	while ((ret = file_next(dir, &entry)) > 0 && entry) {
		if (entry->d_name[0] == '.')
			continue;
		if (!has_suffix(entry->d_name, ADDON_SUFFIX))
			++*others;
		else if (add_name(names, entry->d_name))
			return error_set(err, ENOMEM, "out of memory");
	}
	if (ret < 0)
		return error_set(err, -ret, "%s: %s", folder, errno_text(-ret));
	if (names->count)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	return 0;
}

/* Reads a kernel's release, without padding. 0 or a negative errno with the line. */
static int read_uname(const struct file *f, const struct uki *uki,
		      char release[UNAME_MAX + 1], struct error *err)
{
	size_t size = uki->uname.size < UNAME_MAX ? uki->uname.size : UNAME_MAX;

	memset(release, 0, UNAME_MAX + 1);
	return file_read(f, uki->uname.offset, release, size, err);
}

/* An addon may be for one kernel only. */
static int check_uname(const struct file *f, const struct uki *uki, const struct addon *a,
		       struct error *err)
{
	char own[UNAME_MAX + 1] = "", wanted[UNAME_MAX + 1] = "";
	int ret;

	if (!uki->uname.size || !a->parts.uname.size)
		return 0;
	ret = read_uname(f, uki, own, err);
	if (!ret)
		ret = read_uname(&a->file, &a->parts, wanted, err);
	if (ret || !strcmp(own, wanted))
		return ret;
	return error_set(err, ENOEXEC, "it is for the kernel %s, not %s", wanted, own);
}

/* Opens the addon @path. 0; -ENOEXEC: not to be used; another negative errno. */
static int open_addon(const char *path, const struct file *f, const struct uki *uki,
		      struct addon *out, struct error *err)
{
	_cleanup_free_ uint8_t *buf = malloc(IMAGE_START_MAX);
	struct bytes start = { buf, 0 };
	int ret;

	*out = (struct addon){ .file = FILE_NONE };
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_open(path, &out->file, err);
	if (ret)
		return ret;
	start.size = out->file.stamp.size < IMAGE_START_MAX ? out->file.stamp.size
							    : IMAGE_START_MAX;
	ret = file_read(&out->file, 0, buf, start.size, err);
	if (!ret)
		ret = uki_parse_addon(start, out->file.stamp.size, &out->parts, err);
	if (!ret)
		ret = check_uname(f, uki, out, err);
	if (ret)
		file_close(&out->file);
	return ret;
}

static int open_all(const char *folder, const struct names *names, const struct file *f,
		    const struct uki *uki, struct addons *out, struct notes *notes,
		    struct error *err)
{
	out->items = calloc(names->count + 1, sizeof(*out->items));
	if (!out->items)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < names->count; i++) {
		_cleanup_free_ char *path = NULL;
		int ret;

		if (asprintf(&path, "%s/%s", folder, names->items[i]) < 0)
			return error_set(err, ENOMEM, "out of memory");
		ret = open_addon(path, f, uki, &out->items[out->count], err);
		if (!ret)
			out->count++;
		else if (ret == -ENOEXEC)
			notes_add(notes, "%s: not used: %s", path, err->text);
		else
			return ret;
	}
	return 0;
}

int addons_open(const struct file *f, const struct uki *uki, struct addons *out,
		struct notes *notes, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	struct names names = { 0 };
	size_t others;
	int ret;

	*out = (struct addons){ 0 };
	if (asprintf(&folder, "%s" FOLDER_SUFFIX, f->path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = list_addons(folder, &names, &others, err);
	if (!ret)
		ret = open_all(folder, &names, f, uki, out, notes, err);
	if (!ret && others)
		notes_add(notes, "%s: %zu files are not used: only addons (*%s) are",
			  folder, others, ADDON_SUFFIX);
	free_names(&names);
	if (ret)
		addons_close(out);
	return ret;
}

void addons_close(struct addons *addons)
{
	for (size_t i = 0; i < addons->count; i++)
		file_close(&addons->items[i].file);
	free(addons->items);
	*addons = (struct addons){ 0 };
}
