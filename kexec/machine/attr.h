/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attr.h - tables in sysfs: a folder with numbered folders, one value in each file.
 *
 * That is the form of /sys/firmware/memmap and /sys/firmware/efi/runtime-map.
 */
#ifndef KS_ATTR_H
#define KS_ATTR_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The numbers that entries of the folder @path have for names, in ascending order, into
 * memory that the caller frees. Other names are skipped. 0; a negative errno of
 * opendir(), without a message: whether the folder matters is the caller's business;
 * -E2BIG for more than @max.
 */
int attr_list(const char *path, size_t max, uint32_t **numbers, size_t *count);

/*
 * The file @path/@number/@name as text without the newline, into memory that the caller
 * frees. 0 or a negative errno with a message.
 */
int attr_text(const char *path, uint32_t number, const char *name, char **text,
	      struct error *err);

/* The same for a file that holds a hexadecimal number. */
int attr_hex(const char *path, uint32_t number, const char *name, uint64_t *value,
	     struct error *err);

/*
 * The value in the file @root followed by @path, a hexadecimal number. -EINVAL with a
 * message when the file holds none; any other errno, when it cannot be read, without one,
 * unless file_is_trouble().
 */
int attr_file_hex(const char *root, const char *path, uint64_t *value, struct error *err);

#endif
