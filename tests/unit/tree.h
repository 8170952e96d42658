/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tree.h - a folder that serves as the root of a machine for one test.
 */
#ifndef KS_TEST_TREE_H
#define KS_TEST_TREE_H

#include <stddef.h>
#include <stdint.h>

struct tree {
	char root[64];
};

/* Makes an empty folder that any user can enter. A failure ends the test. */
void tree_make(struct tree *t);

/* Writes @size bytes to the file @path (below the root), making its folders. */
void tree_put_bytes(const struct tree *t, const char *path, const void *data,
		    size_t size);

/* The same for a text. */
void tree_put(const struct tree *t, const char *path, const char *text);

/* Entry @number of /sys/firmware/memmap; @last is inclusive. */
void tree_put_memmap(const struct tree *t, unsigned int number, uint64_t start,
		     uint64_t last, const char *type);

/* Removes the file or folder @path; "" removes everything. */
void tree_remove(const struct tree *t, const char *path);

/*
 * Lets readdir() of the program under test succeed @count times and then fail with EIO. A
 * negative @count: it never fails.
 */
void tree_readdir_fails(int count);

/* chmod() of @path. */
void tree_mode(const struct tree *t, const char *path, unsigned int mode);

#endif
