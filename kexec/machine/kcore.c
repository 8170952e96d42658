// SPDX-License-Identifier: GPL-2.0-only
#include "machine/kcore.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define NOT_KNOWN UINT64_MAX

/* stat() gives no size for the file: only its headers show where it ends. */
static int read_at(int fd, uint64_t offset, void *buf, size_t size)
{
	size_t used;
	int ret = file_read_at(fd, offset, buf, size, &used);

	return ret || used == size ? ret : -ENODATA;
}

static int bad(const char *what, struct error *err)
{
	return error_set(err, EBADMSG, "not the memory of an %s kernel: %s", arch_name,
			 what);
}

static int cannot_read(int ret, struct error *err)
{
	if (ret == -ENODATA)
		return bad("the file ends inside its headers", err);
	return error_set(err, -ret, "%s", errno_text(-ret));
}

static int check_header(const Elf64_Ehdr *h, struct error *err)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return bad("it is no ELF file", err);
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != arch_elf_machine)
		return bad("it is for another machine", err);
	if (h->e_type != ET_CORE)
		return bad("it is no core file", err);
	if (!h->e_phnum || h->e_phnum == PN_XNUM || h->e_phentsize != sizeof(Elf64_Phdr))
		return bad("its program headers make no sense", err);
	return 0;
}

/* True if the last byte of @size from @start exists and lies below @limit. */
static bool ends_below(uint64_t start, uint64_t size, uint64_t limit)
{
	uint64_t last;

	return size && !__builtin_add_overflow(start, size - 1, &last) && last < limit;
}

static int add_load(struct kcore *k, const Elf64_Phdr *p, struct error *err)
{
	bool readable = ends_below(p->p_offset, p->p_filesz, INT64_MAX);

	if (!p->p_filesz) /* nothing to read */
		return 0;
	if (!readable &&
	    p->p_paddr == NOT_KNOWN) /* riscv64: addresses below those of RAM */
		return 0;
	if (!readable || !ends_below(p->p_vaddr, p->p_filesz, UINT64_MAX))
		return bad("a segment of it is beyond the end of everything", err);
	if (p->p_paddr != NOT_KNOWN && !ends_below(p->p_paddr, p->p_filesz, INT64_MAX))
		return bad("a segment of it has no possible physical address", err);
	k->loads[k->count++] = (struct kcore_load){ .vaddr = p->p_vaddr,
						    .paddr = p->p_paddr,
						    .size = p->p_filesz,
						    .offset = p->p_offset };
	if (p->p_paddr != NOT_KNOWN && p->p_vaddr < k->lowest)
		k->lowest = p->p_vaddr;
	return 0;
}

static int read_headers(struct kcore *k, struct error *err)
{
	_cleanup_free_ Elf64_Phdr *headers = NULL;
	Elf64_Ehdr h;
	size_t size;
	int ret = read_at(k->fd, 0, &h, sizeof(h));

	if (ret)
		return cannot_read(ret, err);
	ret = check_header(&h, err);
	if (ret)
		return ret;
	size = h.e_phnum * sizeof(*headers); /* 16 bits times 56 bytes */
	if (!ends_below(h.e_phoff, size, INT64_MAX))
		return bad("its program headers make no sense", err);
	headers = malloc(size);
	k->loads = calloc(h.e_phnum, sizeof(*k->loads));
	if (!headers || !k->loads)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_at(k->fd, h.e_phoff, headers, size);
	if (ret)
		return cannot_read(ret, err);
	for (size_t i = 0; !ret && i < h.e_phnum; i++)
		if (headers[i].p_type == PT_LOAD)
			ret = add_load(k, &headers[i], err);
	return ret;
}

static int cannot_open(const char *path, int code, struct error *err)
{
	if (code == EPERM || code == EACCES)
		return error_set(err, code,
				 "%s: %s (it needs root with CAP_SYS_RAWIO, and no "
				 "lockdown=confidentiality)",
				 path, errno_text(code));
	if (code == ENOENT)
		return error_set(err, code,
				 "%s: %s (is the kernel built with "
				 "CONFIG_PROC_KCORE?)",
				 path, errno_text(code));
	return error_set(err, code, "%s: %s", path, errno_text(code));
}

int kcore_open(const char *path, struct kcore *out, struct error *err)
{
	int ret;

	*out = KCORE_NONE;
	out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (out->fd < 0)
		return cannot_open(path, errno, err);
	ret = read_headers(out, err);
	if (ret) {
		error_prefix(err, "%s", path);
		kcore_close(out);
	}
	return ret;
}

void kcore_close(struct kcore *k)
{
	close_fd(&k->fd);
	free(k->loads);
	*k = KCORE_NONE;
}

static bool is_text(const struct kcore *k, const struct kcore_load *l)
{
	return l->paddr != NOT_KNOWN && arch_is_kernel_text(l->vaddr, k->lowest);
}

static bool is_ram(const struct kcore *k, const struct kcore_load *l)
{
	return l->paddr != NOT_KNOWN && !arch_is_kernel_text(l->vaddr, k->lowest);
}

/* Ignores text: RAM covers it too, and all of it, even after boot frees a part. */
static const struct kcore_load *find_ram(const struct kcore *k, uint64_t addr)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct kcore_load *l = &k->loads[i];

		if (is_ram(k, l) && addr >= l->paddr && addr - l->paddr < l->size)
			return l;
	}
	return NULL;
}

int kcore_read(const struct kcore *k, uint64_t addr, void *buf, size_t size,
	       struct error *err)
{
	uint8_t *to = buf;

	while (size) {
		const struct kcore_load *l = find_ram(k, addr);
		uint64_t skip, part;
		int ret;

		if (!l)
			return error_set(err, ENXIO,
					 "/proc/kcore does not show address %#" PRIx64,
					 addr);
		skip = addr - l->paddr;
		part = l->size - skip < size ? l->size - skip : size;
		ret = read_at(k->fd, l->offset + skip, to, part);
		if (ret)
			return error_set(err, ret == -ENODATA ? EIO : -ret,
					 "/proc/kcore: address %#" PRIx64 ": %s", addr,
					 ret == -ENODATA ? "the file ends too early"
							 : errno_text(-ret));
		to += part;
		addr += part;
		size -= part;
	}
	return 0;
}

const struct kcore_load *kcore_text(const struct kcore *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (is_text(k, &k->loads[i]))
			return &k->loads[i];
	return NULL;
}

bool kcore_direct_map(const struct kcore *k, uint64_t *base)
{
	bool found = false;
	uint64_t first = 0;

	for (size_t i = 0; i < k->count; i++) {
		const struct kcore_load *l = &k->loads[i];

		if (!is_ram(k, l))
			continue;
		if (l->vaddr < l->paddr || (found && l->vaddr - l->paddr != first))
			return false;
		first = l->vaddr - l->paddr;
		found = true;
	}
	if (found)
		*base = first;
	return found;
}
