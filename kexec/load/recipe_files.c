// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe.h"

#include "image/decompress.h"
#include "image/image.h"
#include "load/file_digest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* True if neither content nor name of @path has changed since @then. */
static bool is_older(const char *path, struct timespec then)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       (st.st_ctim.tv_sec < then.tv_sec ||
		(st.st_ctim.tv_sec == then.tv_sec && st.st_ctim.tv_nsec < then.tv_nsec));
}

/* The same for each of @names, one a line. */
static bool are_older(const char *names, struct timespec then)
{
	while (names) {
		size_t length = strcspn(names, "\n");
		char path[PATH_MAX];

		if (length >= sizeof(path))
			return false;
		memcpy(path, names, length);
		path[length] = '\0';
		if (!is_older(path, then))
			return false;
		names = names[length] ? names + length + 1 : NULL;
	}
	return true;
}

/* @f is open unless @ret, the result of that, says otherwise; closes it. */
static int compare(struct file *f, int ret, const uint8_t *want, struct error *err)
{
	uint8_t digest[SHA256_SIZE];

	if (!ret)
		ret = file_digest(f, 0, f->bytes.size, digest, err);
	if (!ret && memcmp(digest, want, sizeof(digest)) != 0)
		ret = error_set(err, ESTALE, "%s is not what was loaded", f->path);
	file_close(f);
	return ret;
}

int recipe_check_files(const struct recipe *r, struct error *err)
{
	const char *initrd = r->request.initrd;
	struct file f = FILE_NONE;
	int ret = 0;

	if (!are_older(r->request.kernel, r->loaded)) {
		ret = file_open(r->request.kernel, &f, err);
		if (!ret)
			ret = file_decompress(&f, err);
		ret = compare(&f, ret, r->kernel_digest, err);
	}
	/* the recipe of a UKI names it as the initrd, too */
	if (ret || !initrd || !strcmp(initrd, r->request.kernel) ||
	    are_older(initrd, r->loaded))
		return ret;
	f = FILE_NONE;
	ret = file_open_all(initrd, INITRD_ALIGN, &f, err);
	return compare(&f, ret, r->initrd_digest, err);
}
