// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file, compressed or not.
 */
#include "image/decompress.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), memfd;
	struct error err = { "" };
	struct file f;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (file_adopt(fd, "fuzz", &f, &err)) { /* an empty file */
		require(!size);
		return 0;
	}
	memfd = f.fd;
	if (file_decompress_max(&f, MAX, &err)) /* unchanged on failure */
		require(f.fd == memfd && f.bytes.size == size && err.text[0]);
	else
		require(f.bytes.size && (f.fd == memfd || f.bytes.size <= MAX));
	file_close(&f);
	return 0;
}
