// SPDX-License-Identifier: GPL-2.0-only
#include "tree.h"

#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512

static int readdir_left = -1;

static void full_path(const struct tree *t, const char *path, char out[PATH_SIZE])
{
	assert_in_range(
		snprintf(out, PATH_SIZE, "%s%s%s", t->root, *path ? "/" : "", path), 1,
		PATH_SIZE - 1);
}

void tree_make(struct tree *t)
{
	strcpy(t->root, "/tmp/kexec-seed-test.XXXXXX");
	assert_non_null(mkdtemp(t->root));
	assert_int_equal(chmod(t->root, 0755), 0);
	readdir_left = -1; /* a previous test may have failed */
}

static void make_folders(char *path, size_t root_size)
{
	for (char *p = path + root_size + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

void tree_put_bytes(const struct tree *t, const char *path, const void *data, size_t size)
{
	char full[PATH_SIZE];
	FILE *f;

	full_path(t, path, full);
	make_folders(full, strlen(t->root));
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

void tree_put(const struct tree *t, const char *path, const char *text)
{
	tree_put_bytes(t, path, text, strlen(text));
}

void tree_put_memmap(const struct tree *t, unsigned int number, uint64_t start,
		     uint64_t last, const char *type)
{
	char path[PATH_SIZE], text[64];

	snprintf(path, sizeof(path), "sys/firmware/memmap/%u/start", number);
	snprintf(text, sizeof(text), "0x%llx\n", (unsigned long long)start);
	tree_put(t, path, text);
	snprintf(path, sizeof(path), "sys/firmware/memmap/%u/end", number);
	snprintf(text, sizeof(text), "0x%llx\n", (unsigned long long)last);
	tree_put(t, path, text);
	snprintf(path, sizeof(path), "sys/firmware/memmap/%u/type", number);
	snprintf(text, sizeof(text), "%s\n", type);
	tree_put(t, path, text);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void tree_remove(const struct tree *t, const char *path)
{
	char full[PATH_SIZE];

	full_path(t, path, full);
	assert_int_equal(nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_readdir_fails(int count)
{
	readdir_left = count;
}

/* Replaces libc's, whose readdir64() gives the same result on this machine. */
struct dirent *readdir(DIR *dir)
{
	if (readdir_left == 0) {
		errno = EIO;
		return NULL;
	}
	if (readdir_left > 0)
		readdir_left--;
	return (struct dirent *)readdir64(dir);
}

void tree_mode(const struct tree *t, const char *path, unsigned int mode)
{
	char full[PATH_SIZE];

	full_path(t, path, full);
	assert_int_equal(chmod(full, mode), 0);
}
