/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sysfs_table.h - tables in sysfs: a directory of numbered directories with one value per
 * file, such as /sys/firmware/memmap and /sys/firmware/efi/runtime-map.
 */
#ifndef KS_SYSFS_TABLE_H
#define KS_SYSFS_TABLE_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Lists the entries of the directory @path whose names are @prefix and a number, in
 * ascending order; skips all others. The caller frees *@numbers. 0; -E2BIG for more than
 * @max; any other negative errno. No message: the caller knows whether the directory
 * matters.
 */
int sysfs_table_list(const char *path, const char *prefix, size_t max, uint32_t **numbers,
		     size_t *count);

/*
 * Reads the file @path/@number/@name as text without its newline. The caller frees
 * *@text. 0 or a negative errno with a message.
 */
int sysfs_table_text(const char *path, uint32_t number, const char *name, char **text,
		     struct error *err);

/* As sysfs_table_text(), for a file that holds a hexadecimal number. */
int sysfs_table_hex(const char *path, uint32_t number, const char *name, uint64_t *value,
		    struct error *err);

/*
 * Reads the file @root@path as a hexadecimal number. 0; -EINVAL with a message if it
 * holds none; any other negative errno if it cannot be read, without a message unless
 * file_is_trouble().
 */
int sysfs_file_hex(const char *root, const char *path, uint64_t *value,
		   struct error *err);

#endif
