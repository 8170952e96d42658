// SPDX-License-Identifier: GPL-2.0-only
#include "load/secret.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* More than SHA-256 and its callers use. */
#define STACK_WIPE 16384

static void *map_memfd_secret(size_t size)
{
	_cleanup_close_ int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return MAP_FAILED;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* it has to be shared, so a child would see the same bytes */
	if (p == MAP_FAILED || madvise(p, size, MADV_DONTFORK) == 0)
		return p;
	munmap(p, size);
	return MAP_FAILED;
}

static void *map_locked(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		return p;
	if (mlock(p, size) == 0 && madvise(p, size, MADV_DONTDUMP) == 0 &&
	    madvise(p, size, MADV_WIPEONFORK) == 0)
		return p;
	munmap(p, size);
	return MAP_FAILED;
}

int secret_map(size_t size, struct secret *out, struct error *err)
{
	void *p = map_memfd_secret(size);

	*out = (struct secret){ 0 };
	/* The kernel may lack it, have it switched off, or hit the limit: then the old
	 * way. */
	if (p == MAP_FAILED)
		p = map_locked(size);
	if (p == MAP_FAILED)
		return error_set(err, errno,
				 "no locked memory for the seed: %s (see ulimit -l)",
				 strerror(errno));
	*out = (struct secret){ .data = p, .size = size };
	return 0;
}

void secret_wipe(struct secret *s)
{
	if (!s->data)
		return;
	explicit_bzero(s->data, s->size);
	munmap(s->data, s->size);
	*s = (struct secret){ 0 };
}

__attribute__((noinline)) void secret_wipe_stack(void)
{
	char below[STACK_WIPE];

	explicit_bzero(below, sizeof(below));
}
