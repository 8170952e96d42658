// SPDX-License-Identifier: GPL-2.0-only
#include "machine/phys_mem.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "range.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* In bytes, far above real machines: files in /proc have no size in advance. */
#define VMALLOCINFO_SIZE_MAX ((size_t)16 << 20)

static size_t copy_aligned(const volatile uint8_t *from, uint8_t *to, size_t size)
{
	uintptr_t at = (uintptr_t)from;

	if (at % 8 == 0 && size >= 8) {
		uint64_t word = *(const volatile uint64_t *)from;

		memcpy(to, &word, 8);
		return 8;
	}
	if (at % 4 == 0 && size >= 4) {
		uint32_t word = *(const volatile uint32_t *)from;

		memcpy(to, &word, 4);
		return 4;
	}
	if (at % 2 == 0 && size >= 2) {
		uint16_t word = *(const volatile uint16_t *)from;

		memcpy(to, &word, 2);
		return 2;
	}
	*to = *from;
	return 1;
}

static _Thread_local sigjmp_buf no_memory; /* valid while on_sigbus() is installed */

static void on_sigbus(int number)
{
	(void)number;
	siglongjmp(no_memory, 1);
}

/* Where nothing answers at an address, PCs read ones; on arm64 that raises SIGBUS. */
static int copy_guarded(const volatile uint8_t *from, uint8_t *to, size_t size)
{
	const struct sigaction guard = { .sa_handler = on_sigbus };
	struct sigaction before;
	volatile int ret = -EFAULT;

	if (sigaction(SIGBUS, &guard, &before) < 0)
		return -errno;
	if (!sigsetjmp(no_memory, 1)) {
		for (size_t done = 0; done < size;)
			done += copy_aligned(from + done, to + done, size - done);
		ret = 0;
	}
	sigaction(SIGBUS, &before, NULL);
	return ret;
}

int phys_mem_copy(int fd, uint64_t addr, void *buf, size_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start = align_down(addr, page);
	size_t skip = (size_t)(addr - start);
	const uint8_t *map;
	int ret;

	map = mmap(NULL, skip + size, PROT_READ, MAP_SHARED, fd, (off_t)start);
	if (map == MAP_FAILED)
		return -errno;
	ret = copy_guarded(map + skip, buf, size);
	munmap((void *)map, skip + size);
	return ret;
}

static int read_file(int fd, uint64_t addr, void *buf, size_t size)
{
	size_t used;
	int ret = file_read_at(fd, addr, buf, size, &used);

	return ret || used == size ? ret : -ENODATA;
}

int phys_mem_fetch(int fd, uint64_t addr, void *buf, size_t size)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode)) /* mapped, it could shrink */
		return read_file(fd, addr, buf, size);
	ret = phys_mem_copy(fd, addr, buf, size);
	return ret && read_file(fd, addr, buf, size) ? ret : 0;
}

static int cannot_read(const struct phys_mem *m, uint64_t addr, int ret,
		       struct error *err)
{
	const char *way_out = "";

	if (ret == -EPERM || ret == -EACCES)
		way_out = " (boot with iomem=relaxed and without lockdown, or give "
			  "--vmgenid-addr=)";
	return error_set(
		err, -ret, "%s/dev/mem at %#llx: %s%s", m->root, (unsigned long long)addr,
		ret == -ENODATA ? "the file ends before" : errno_text(-ret), way_out);
}

int phys_mem_read(const struct phys_mem *m, uint64_t addr, void *buf, size_t size,
		  struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t end;
	int ret;

	if (__builtin_add_overflow(addr, size, &end) || end > INT64_MAX)
		return cannot_read(m, addr, -EOVERFLOW, err);
	if (!memory_set_aside(m->firmware, m->iomem, addr, end))
		return error_set(err, EPERM, "%#llx is in memory that the kernel uses",
				 (unsigned long long)addr);
	if (asprintf(&path, "%s/dev/mem", m->root) < 0)
		return error_set(err, ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC); /* no O_SYNC: see phys_mem.h */
	if (fd < 0)
		return cannot_read(m, addr, -errno, err);
	ret = phys_mem_fetch(fd, addr, buf, size);
	return ret ? cannot_read(m, addr, ret, err) : 0;
}

const char *phys_word_text(const struct phys_word *w, char out[PHYS_WORD_TEXT])
{
	int n = snprintf(out, PHYS_WORD_TEXT, "%#llx=", (unsigned long long)w->addr);

	for (size_t i = 0; i < w->size; i++)
		n += snprintf(out + n, PHYS_WORD_TEXT - (size_t)n, "%02x", w->data[i]);
	return out;
}

/*
 * "0x...-0x... SIZE CALLER+OFFSET/SIZE phys=ADDRESS ioremap": an address of physical memory
 * and the size with a guard page. Only memremap() and devm_memremap() count.
 */
static bool parse_mapping(struct bytes line, struct range *out)
{
	struct bytes word, at, size = { NULL, 0 };
	uint64_t bytes, guard = (uint64_t)sysconf(_SC_PAGESIZE);
	bool remapped = false, found = false;

	for (int i = 0; text_cut(&line, ' ', &word); i += word.size > 0) {
		if (i == 1 && !size.size)
			size = word;
		if (text_starts(word, "memremap+", NULL) ||
		    text_starts(word, "devm_memremap+", NULL))
			remapped = true;
		if (text_starts(word, "phys=", &at))
			found = text_hex(at, &out->start);
	}
	return remapped && found && text_number(size, &bytes) && bytes > guard &&
	       !__builtin_add_overflow(out->start, bytes - guard, &out->end);
}

bool phys_mem_is_unmapped(const char *root, uint64_t addr)
{
	_cleanup_free_ char *text = NULL;
	struct bytes rest, line;
	bool others = false;
	size_t size;

	if (file_slurp_in(root, "/proc/vmallocinfo", VMALLOCINFO_SIZE_MAX, &text, &size))
		return false;
	rest = (struct bytes){ (uint8_t *)text, size };
	while (text_cut(&rest, '\n', &line)) {
		struct range r;

		if (!parse_mapping(line, &r))
			continue;
		if (addr >= r.start && addr < r.end)
			return false;
		others = true;
	}
	return others;
}
