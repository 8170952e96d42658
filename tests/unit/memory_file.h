/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_file.h - bytes as an open file.
 */
#ifndef KS_MEMORY_FILE_H
#define KS_MEMORY_FILE_H

#include "base/file.h"
#include "check.h"

#include <sys/mman.h>
#include <unistd.h>

static inline struct file memory_file(const void *data, size_t size)
{
	struct error err = { "" };
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct file f;

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, data, size), 0);
	assert_int_equal(file_adopt(fd, "FILE", &f, &err), 0);
	return f;
}

#endif
