// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file, with and without a wrapping.
 *
 *     clang -D_GNU_SOURCE -DHAVE_ZLIB -DHAVE_LZMA -DHAVE_ZSTD -Iinclude -Ikexec -g -O1 \
 *         -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_decompress.c \
 *         kexec/image/decompress.c kexec/base/{error,file,progress}.c -lz -llzma -lzstd
 */
#include "image/decompress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct file f = { .fd = fd };
	struct error err;

	if (!size || fd < 0 || write(fd, data, size) != (ssize_t)size)
		goto out;
	f.mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (f.mapping == MAP_FAILED)
		abort();
	f.path = strdup("fuzz");
	f.bytes = (struct bytes){ f.mapping, size };
	if (file_decompress_max(&f, MAX, &err)) {
		if (f.fd != fd || f.bytes.size != size)
			abort(); /* on failure it stays what it was */
	} else if (!f.bytes.size || (f.fd != fd && f.bytes.size > MAX)) {
		abort();
	}
	fd = -1;
	file_close(&f);
out:
	if (fd >= 0)
		close(fd);
	return 0;
}
