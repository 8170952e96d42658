// SPDX-License-Identifier: GPL-2.0-only
#include "plan/elfcorehdr.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* Adds the part of @r that is dumped. */
static int add_dumped(const struct machine *m, struct range r, struct ranges *out)
{
	const struct range holes[] = { arch_not_dumped, m->crash, m->crash_low };
	int ret = ranges_add(out, r);

	for (size_t i = 0; !ret && i < sizeof(holes) / sizeof(holes[0]); i++)
		ret = ranges_remove(out, holes[i]);
	for (size_t i = 0; !ret && i < m->crash_cma.count; i++)
		ret = ranges_remove(out, m->crash_cma.items[i]);
	return ret;
}

static struct range entry_range(const struct memory_entry *e)
{
	return (struct range){ e->addr, e->addr + e->size };
}

static int add_headers(const struct machine *m, struct bytes block, struct ranges *out)
{
	Elf64_Ehdr e;
	struct bytes table;
	int ret = 0;

	if (block.size < sizeof(e))
		return -EBADMSG;
	memcpy(&e, block.data, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
	    !bytes_slice(block, e.e_phoff, e.e_phnum * sizeof(Elf64_Phdr), &table))
		return -EBADMSG;
	for (size_t i = 0; !ret && i < e.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, table.data + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD && p.p_memsz)
			ret = add_dumped(
				m, (struct range){ p.p_paddr, p.p_paddr + p.p_memsz },
				out);
	}
	return ret;
}

static bool is_same(const struct ranges *a, const struct ranges *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->items, b->items, a->count * sizeof(*a->items)));
}

int elfcorehdr_check(const struct machine *m, struct bytes block, struct error *err)
{
	_cleanup_(ranges_free) struct ranges now = { 0 }, then = { 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < m->iomem.count; i++)
		if (m->iomem.entries[i].type == MEMORY_RAM)
			ret = add_dumped(m, entry_range(&m->iomem.entries[i]), &now);
	if (!ret)
		ret = add_headers(m, block, &then);
	if (ret)
		return error_set(err, -ret, "ELF core headers: %s",
				 memory_map_strerror(ret));
	if (is_same(&now, &then))
		return 0;
	return error_set(err, ENOTSUP,
			 "memory was added or removed, and the ELF core headers do not "
			 "tell");
}

/*
 * The headers are written as the host has them in memory: that is the byte order of every
 * architecture here, and Elf64_Ehdr and Elf64_Phdr have no padding.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ELFDATA2LSB");
_Static_assert(sizeof(Elf64_Ehdr) == 64 && sizeof(Elf64_Phdr) == 56, "the ABI's sizes");

/* The program headers, in order. */
struct headers {
	Elf64_Phdr *items; /* owned */
	size_t count;
	size_t room;
};

static void free_headers(struct headers *h)
{
	free(h->items);
}

static int append(struct headers *h, const Elf64_Phdr *p, struct error *err)
{
	if (h->count >= PN_XNUM - 1)
		return error_set(
			err, EOVERFLOW,
			"ELF core headers: more CPUs and ranges of RAM than an ELF "
			"file has headers for");
	if (h->count == h->room) {
		size_t room = h->room ? h->room * 2 : 64;
		Elf64_Phdr *larger = reallocarray(h->items, room, sizeof(*larger));

		if (!larger)
			return error_set(err, ENOMEM, "ELF core headers: out of memory");
		h->items = larger;
		h->room = room;
	}
	h->items[h->count++] = *p;
	return 0;
}

/* The capture kernel reads p_offset from old memory, so it is a physical address too. */
static int append_note(struct headers *h, const struct crash_note *n, struct error *err)
{
	const Elf64_Phdr p = { .p_type = PT_NOTE,
			       .p_offset = n->addr,
			       .p_paddr = n->addr,
			       .p_filesz = n->size,
			       .p_memsz = n->size };

	return append(h, &p, err);
}

static int append_load(struct headers *h, uint64_t vaddr, uint64_t paddr, uint64_t size,
		       struct error *err)
{
	const Elf64_Phdr p = { .p_type = PT_LOAD,
			       .p_flags = PF_R | PF_W | PF_X,
			       .p_offset = paddr,
			       .p_vaddr = vaddr,
			       .p_paddr = paddr,
			       .p_filesz = size,
			       .p_memsz = size };

	return append(h, &p, err);
}

/*
 * One by one: the kernel does not merge adjacent entries, and we produce the same
 * headers.
 */
static int append_entry(struct headers *h, const struct machine *m,
			const struct crash_notes *crash, const struct memory_entry *e,
			struct error *err)
{
	_cleanup_(ranges_free) struct ranges left = { 0 };
	int ret = add_dumped(m, entry_range(e), &left);

	if (ret)
		return error_set(err, -ret, "ELF core headers: %s",
				 memory_map_strerror(ret));
	for (size_t i = 0; !ret && i < left.count; i++) {
		const struct range r = left.items[i];

		ret = append_load(h, crash->direct_map + r.start, r.start, range_size(r),
				  err);
	}
	return ret;
}

/* Includes RAM that drivers manage: walk_system_ram_res() in kernel/resource.c. */
static int append_ram(struct headers *h, const struct machine *m,
		      const struct crash_notes *crash, struct error *err)
{
	const size_t before = h->count;

	for (size_t i = 0; i < m->iomem.count; i++) {
		const struct memory_entry *e = &m->iomem.entries[i];
		int ret;

		if (e->type != MEMORY_RAM)
			continue;
		ret = append_entry(h, m, crash, e, err);
		if (ret)
			return ret;
	}
	if (h->count != before)
		return 0;
	return error_set(err, ENODATA,
			 "ELF core headers: /proc/iomem shows no RAM to dump (only root "
			 "sees the addresses)");
}

static int append_all(struct headers *h, const struct machine *m,
		      const struct crash_notes *crash, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < crash->nr_cpus; i++)
		ret = append_note(h, &crash->cpus[i], err);
	if (!ret)
		ret = append_note(h, &crash->vmcoreinfo, err);
	if (!ret)
		ret = append_load(h, crash->text_vaddr, crash->text_paddr,
				  crash->text_size, err);
	return ret ? ret : append_ram(h, m, crash, err);
}

static Elf64_Ehdr file_header(size_t phnum)
{
	Elf64_Ehdr e = { .e_type = ET_CORE,
			 .e_machine = arch_elf_machine,
			 .e_version = EV_CURRENT,
			 .e_phoff = sizeof(e),
			 .e_ehsize = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = (Elf64_Half)phnum };

	memcpy(e.e_ident, ELFMAG, SELFMAG);
	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	e.e_ident[EI_VERSION] = EV_CURRENT;
	e.e_ident[EI_OSABI] = ELFOSABI_NONE;
	return e;
}

static int write_all(const struct headers *h, uint64_t page, uint8_t **block,
		     size_t *size, struct error *err)
{
	const size_t table = h->count * sizeof(*h->items); /* 16-bit count * 56 bytes */
	const size_t total = align_up(sizeof(Elf64_Ehdr) + table, page);
	_cleanup_free_ uint8_t *bytes = calloc(1, total);
	const Elf64_Ehdr e = file_header(h->count);

	if (!bytes)
		return error_set(err, ENOMEM, "ELF core headers: out of memory");
	memcpy(bytes, &e, sizeof(e));
	memcpy(bytes + sizeof(e), h->items, table);
	*block = take_ptr(bytes);
	*size = total;
	return 0;
}

int elfcorehdr_make(const struct machine *m, const struct crash_notes *crash,
		    uint8_t **block, size_t *size, struct error *err)
{
	_cleanup_(free_headers) struct headers h = { 0 };
	int ret = append_all(&h, m, crash, err);

	return ret ? ret : write_all(&h, m->page_size, block, size, err);
}
