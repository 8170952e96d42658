// SPDX-License-Identifier: GPL-2.0-only
#include "machine/generation.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "machine/phys_mem.h"
#include "machine/vmclock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_below(const char *root, const char *path)
{
	_cleanup_free_ char *whole = NULL;

	if (asprintf(&whole, "%s%s", root, path) < 0)
		return -1;
	return open(whole, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

bool generation_is_addr(uint64_t addr)
{
	return addr && addr % 8 == 0 && addr <= INT64_MAX - VMGENID_SIZE - page_size();
}

static bool read_id(const char *root, uint64_t addr, uint8_t id[VMGENID_SIZE])
{
	_cleanup_close_ int fd = open_below(root, "/dev/mem");

	return fd >= 0 && !phys_mem_fetch(fd, addr, id, VMGENID_SIZE);
}

/* Maps a device, which cannot shrink; NULL: a regular file, or it cannot be mapped. */
static void *map_page(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return NULL;
	p = mmap(NULL, VMCLOCK_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static bool read_count(const char *root, uint64_t *count)
{
	_cleanup_close_ int fd = open_below(root, VMCLOCK_DEVICE);
	uint8_t copy[VMCLOCK_PAGE];
	struct vmclock_state now;
	struct error ignored;
	void *page;
	ssize_t n;
	int ret;

	if (fd < 0)
		return false;
	page = map_page(fd);
	if (page) {
		ret = vmclock_read_page(page, &now, &ignored);
		munmap(page, VMCLOCK_PAGE);
	} else {
		n = pread(fd, copy, sizeof(copy), 0);
		if (n < 0)
			return false;
		ret = vmclock_read_copy((struct bytes){ copy, (size_t)n }, &now,
					&ignored);
	}
	if (ret || !now.counted)
		return false;
	*count = now.generation;
	return true;
}

void generation_read(const char *root, uint64_t addr, struct generation *out)
{
	*out = (struct generation){ .addr = generation_is_addr(addr) ? addr : 0 };
	if (out->addr)
		out->has_id = read_id(root, addr, out->id);
	if (!out->has_id)
		memset(out->id, 0, sizeof(out->id));
	out->has_count = read_count(root, &out->count);
}

enum generation_change generation_compare(const struct generation *then,
					  const struct generation *now)
{
	bool id = then->has_id && now->has_id;
	bool count = then->has_count && now->has_count;

	if (!id && !count)
		return GENERATION_UNKNOWN;
	if ((id && memcmp(then->id, now->id, sizeof(now->id)) != 0) ||
	    (count && then->count != now->count))
		return GENERATION_CHANGED;
	return GENERATION_SAME;
}
