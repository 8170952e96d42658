// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as /proc/kcore: its headers, where they place the kernel, and a read of each
 * segment's first and last byte.
 *
 * Those of the captured machines (tests/machines) are an initial corpus.
 */
#include "machine/kcore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_read(const struct kcore *k, uint64_t addr)
{
	struct error err;
	uint8_t buf[2];
	int ret = kcore_read(k, addr, buf, sizeof(buf), &err);

	require(ret == 0 || ret == -ENXIO || ret == -EIO);
}

static void check(const struct kcore *k)
{
	const struct kcore_load *text = kcore_text(k);
	uint64_t base, sum;

	if (text)
		require(text >= k->loads && text < k->loads + k->count);
	if (kcore_direct_map(k, &base))
		require(k->count);
	for (size_t i = 0; i < k->count; i++) {
		const struct kcore_load *l = &k->loads[i];

		require(l->size);
		require(!__builtin_add_overflow(l->vaddr, l->size - 1, &sum));
		require(!__builtin_add_overflow(l->offset, l->size - 1, &sum));
		require(l->offset + (l->size - 1) <= INT64_MAX);
		if (l->paddr == UINT64_MAX)
			continue;
		check_read(k, l->paddr);
		check_read(k, l->paddr + (l->size - 1));
	}
	check_read(k, 0);
	check_read(k, UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { "" };
	int fd = memfd_create("kcore", MFD_CLOEXEC), ret;
	struct kcore k;
	char path[32];

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = kcore_open(path, &k, &err);
	require(ret == 0 || ret == -EBADMSG);
	if (ret == 0)
		check(&k);
	else
		require(k.fd == -1 && !k.loads && err.text[0]);
	kcore_close(&k);
	close(fd);
	return 0;
}
