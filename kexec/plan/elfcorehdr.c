// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "plan/elfcorehdr.h"

#include <errno.h>

#ifdef HAVE_ELF

#include "base/cleanup.h"
#include "base/units.h"
#include "machine/e820.h"

#include <libelf.h>
#include <string.h>

/* x86 keeps the first MiB from everybody: elf_header_exclude_ranges() in the kernel. */
#define LOW_END MIB

/* The headers one after the other, with room for more than are ever needed. */
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
		return error_set(err, EOVERFLOW,
				 "ELF core headers: more processors and stretches of RAM "
				 "than an ELF file has headers for");
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

/* The offset is where the capture kernel finds it in old memory, so an address too. */
static int append_note(struct headers *h, const struct dump_note *n, struct error *err)
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

/* What is left of @e when all that a dump leaves out is taken away. */
static int cut_out(const struct facts *facts, const struct boot_e820_entry *e,
		   struct ranges *out)
{
	const struct range holes[] = { { 0, LOW_END }, facts->crash, facts->crash_low };
	int ret = ranges_add(out, (struct range){ e->addr, e->addr + e->size });

	for (size_t i = 0; !ret && i < sizeof(holes) / sizeof(holes[0]); i++)
		ret = ranges_remove(out, holes[i]);
	for (size_t i = 0; !ret && i < facts->crash_cma.count; i++)
		ret = ranges_remove(out, facts->crash_cma.items[i]);
	return ret;
}

/* One entry after the other: the kernel does not merge neighbours, so neither do we. */
static int append_entry(struct headers *h, const struct facts *facts,
			const struct dump_facts *dump, const struct boot_e820_entry *e,
			struct error *err)
{
	_cleanup_(ranges_free) struct ranges left = { 0 };
	int ret = cut_out(facts, e, &left);

	if (ret)
		return error_set(err, -ret, "ELF core headers: %s", strerror(-ret));
	for (size_t i = 0; !ret && i < left.count; i++) {
		const struct range r = left.items[i];

		ret = append_load(h, dump->direct_map + r.start, r.start, range_size(r),
				  err);
	}
	return ret;
}

/* RAM that drivers manage is in it: walk_system_ram_res() in kernel/resource.c. */
static int append_ram(struct headers *h, const struct facts *facts,
		      const struct dump_facts *dump, struct error *err)
{
	const size_t before = h->count;

	for (size_t i = 0; i < facts->iomem.count; i++) {
		const struct boot_e820_entry *e = &facts->iomem.entries[i];
		int ret;

		if (e->type != E820_RAM)
			continue;
		ret = append_entry(h, facts, dump, e, err);
		if (ret)
			return ret;
	}
	if (h->count != before)
		return 0;
	return error_set(err, ENODATA,
			 "ELF core headers: /proc/iomem shows no RAM to dump (only root "
			 "sees the addresses)");
}

static int append_all(struct headers *h, const struct facts *facts,
		      const struct dump_facts *dump, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < dump->nr_cpus; i++)
		ret = append_note(h, &dump->cpus[i], err);
	if (!ret)
		ret = append_note(h, &dump->vmcoreinfo, err);
	if (!ret)
		ret = append_load(h, dump->text_vaddr, dump->text_paddr, dump->text_size,
				  err);
	return ret ? ret : append_ram(h, facts, dump, err);
}

static Elf64_Ehdr file_header(size_t phnum)
{
	Elf64_Ehdr e = { .e_type = ET_CORE,
			 .e_machine = EM_X86_64,
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

/* From memory's form into the file's: the two have the same size. */
static bool encode(void *from, Elf_Type type, size_t size, uint8_t *to)
{
	const Elf_Data in = {
		.d_buf = from, .d_type = type, .d_version = EV_CURRENT, .d_size = size
	};
	Elf_Data out = { .d_buf = to, .d_version = EV_CURRENT, .d_size = size };

	return elf64_xlatetof(&out, &in, ELFDATA2LSB) != NULL;
}

static int encode_all(struct headers *h, uint8_t **block, size_t *size, struct error *err)
{
	const size_t table = h->count * sizeof(*h->items); /* 16 bits times 56 */
	const size_t total = page_up(sizeof(Elf64_Ehdr) + table);
	_cleanup_free_ uint8_t *bytes = calloc(1, total);
	Elf64_Ehdr e = file_header(h->count);

	if (!bytes)
		return error_set(err, ENOMEM, "ELF core headers: out of memory");
	if (elf_version(EV_CURRENT) == EV_NONE ||
	    !encode(&e, ELF_T_EHDR, sizeof(e), bytes) ||
	    !encode(h->items, ELF_T_PHDR, table, bytes + sizeof(e)))
		return error_set(err, EINVAL, "ELF core headers: libelf: %s",
				 elf_errmsg(-1));
	*block = take_ptr(bytes);
	*size = total;
	return 0;
}

int elfcorehdr_make(const struct facts *facts, const struct dump_facts *dump,
		    uint8_t **block, size_t *size, struct error *err)
{
	_cleanup_(free_headers) struct headers h = { 0 };
	int ret = append_all(&h, facts, dump, err);

	return ret ? ret : encode_all(&h, block, size, err);
}

#else

int elfcorehdr_make(const struct facts *facts, const struct dump_facts *dump,
		    uint8_t **block, size_t *size, struct error *err)
{
	(void)facts;
	(void)dump;
	(void)block;
	(void)size;
	return error_set(err, ENOTSUP,
			 "built without libelf, which writes the ELF core headers of a "
			 "crash image; use kexec_file_load (-s)");
}

#endif
