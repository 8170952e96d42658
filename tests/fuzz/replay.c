// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replaces libFuzzer: feeds files to a target, once each, so that a build without libFuzzer
 * can check the corpus for regressions.
 *
 *     fuzz_NAME [FILE | FOLDER]...
 *
 * Without arguments: the target's corpus below $srcdir, which `make check` sets.
 */
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Allocates the exact size, so that sanitizers detect any overrun. */
static int feed(const char *path)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0;
	int ret = file_slurp(path, INPUT_MAX, &text, &size);

	if (ret) {
		fprintf(stderr, "%s: %s\n", path, strerror(-ret));
		return ret;
	}
	data = malloc(size);
	if (size && !data)
		return -ENOMEM;
	if (size)
		memcpy(data, text, size);
	fprintf(stderr, "%s\n", path); /* the last one before a crash is the culprit */
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

/* The number of files, or a negative errno. */
static int feed_all(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *d;
	int count = 0;

	if (!dir)
		return errno == ENOTDIR ? feed(path) ?: 1 : -errno;
	while ((d = readdir(dir))) {
		_cleanup_free_ char *file = NULL;
		int ret;

		if (d->d_name[0] == '.')
			continue;
		if (asprintf(&file, "%s/%s", path, d->d_name) < 0)
			return -ENOMEM;
		ret = feed(file);
		if (ret)
			return ret;
		count++;
	}
	return count;
}

static int feed_corpus(const char *program)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(program, '/');
	_cleanup_free_ char *path = NULL;

	name = name ? name + 1 : program;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	if (asprintf(&path, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name) < 0)
		return -ENOMEM;
	return feed_all(path);
}

int main(int argc, char **argv)
{
	int count = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc < 2)
		count = feed_corpus(argv[0]);
	for (int i = 1; i < argc && count >= 0; i++) {
		int ret = feed_all(argv[i]);

		count = ret < 0 ? ret : count + ret;
	}
	if (count <= 0) {
		fprintf(stderr, "%s: %s\n", argv[0],
			count ? strerror(-count) : "no input");
		return 1;
	}
	printf("%d inputs\n", count);
	return 0;
}
