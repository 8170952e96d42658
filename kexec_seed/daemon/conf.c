// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/conf.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static char *to_string(struct bytes text)
{
	return text.size ? strndup((const char *)text.data, text.size) : strdup("");
}

static int parse_line(struct bytes line, conf_set *set, void *context, struct error *err)
{
	_cleanup_free_ char *key = NULL, *value = NULL;
	struct bytes name;

	if (!line.size || line.data[0] == '#')
		return 0;
	if (!memchr(line.data, '=', line.size))
		return error_set(err, EINVAL, "not of the form 'key = value'");
	if (memchr(line.data, '\0', line.size))
		return error_set(err, EINVAL, "there is a NUL byte in the line");
	text_cut(&line, '=', &name);
	name = text_trim(name);
	if (!name.size)
		return error_set(err, EINVAL, "there is no key in front of '='");
	key = to_string(name);
	value = to_string(text_trim(line));
	if (!key || !value)
		return error_set(err, ENOMEM, "out of memory");
	return set(context, key, value, err);
}

int conf_parse(struct bytes text, const char *name, conf_set *set, void *context,
	       struct error *err)
{
	struct bytes line;

	for (unsigned int number = 1; text_cut(&text, '\n', &line); number++) {
		int ret = parse_line(text_trim(line), set, context, err);

		if (ret) {
			error_prefix(err, "%s:%u", name, number);
			return ret;
		}
	}
	return 0;
}

/* Errors that a restart cannot fix count as a wrong configuration (-EINVAL). */
static int refused(const char *path, int ret, struct error *err)
{
	return error_set(err, file_is_trouble(ret) ? -ret : EINVAL, "%s: %s", path,
			 errno_text(-ret));
}

static int read_file(const char *path, conf_set *set, void *context, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int ret = file_slurp(path, CONF_SIZE_MAX, &data, &size);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return refused(path, ret, err);
	return conf_parse((struct bytes){ (const uint8_t *)data, size }, path, set,
			  context, err);
}

static int is_conf(const struct dirent *d)
{
	size_t size = strlen(d->d_name);

	return d->d_name[0] != '.' && size > 5 && !strcmp(d->d_name + size - 5, ".conf");
}

/* Byte order; alphasort() depends on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(const char *dir, struct dirent **names, int count, conf_set *set,
		       void *context, struct error *err)
{
	int ret = 0;

	if (count > CONF_FILES_MAX)
		return error_set(err, EINVAL, "%s: more than %d files", dir,
				 CONF_FILES_MAX);
	for (int i = 0; i < count && !ret; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0)
			return error_set(err, ENOMEM, "out of memory");
		ret = read_file(path, set, context, err);
	}
	return ret;
}

int conf_read(const char *path, conf_set *set, void *context, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	struct dirent **names;
	int count, ret = read_file(path, set, context, err);

	if (ret)
		return ret;
	if (asprintf(&dir, "%s.d", path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	count = scandir(dir, &names, is_conf, by_name);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return refused(dir, -errno, err);
	ret = read_folder(dir, names, count, set, context, err);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return ret;
}
