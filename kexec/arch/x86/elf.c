// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/elf.h"

#include "image/unsupported.h"

#include "config.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#ifdef HAVE_ELF

#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"
#include "base/library.h"
#include "base/units.h"
#include "image/decompress.h"

#include <gelf.h>
#include <stddef.h>

#define ELF(X)                                                                           \
	X(elf_begin)                                                                     \
	X(elf_end)                                                                       \
	X(elf_errmsg)                                                                    \
	X(elf_getphdrnum)                                                                \
	X(elf_kind) X(elf_version) X(gelf_getclass) X(gelf_getehdr) X(gelf_getphdr)
LIBRARY_FUNCTIONS(elf, ELF)

/* Kernels have three to five. */
#define SEGMENTS_MAX 32u

/* arch/x86/kernel/vmlinux.lds.S: virtual base of the kernel's text, and its alignment. */
#define TEXT_MAPPING 0xffffffff80000000ull
#define KERNEL_ALIGN (2 * MIB)

/* The setup before the kernel: one page of sectors, including the first. */
#define SETUP_SIZE   X86_PAGE
#define SECTOR	     512u
#define HEADER_AT    offsetof(struct boot_params, hdr)
#define HEADER_MAGIC 0x53726448u
#define JUMP_END     0x202u /* the jump's displacement counts from here */

/* The first words that a kernel prints. */
#define BANNER "Linux version "
/*
 * Kernels built for 5-level paging export this symbol to modules, so its name survives
 * stripping. A kernel without modules lacks it and counts as not capable.
 */
#define FIVE_LEVEL_SYMBOL "\0ptrs_per_p4d"

struct segments {
	size_t count;
	Elf64_Phdr items[SEGMENTS_MAX]; /* PT_LOAD, in file order */
	uint64_t entry;
};

/* Physical addresses: start, end of file content, end of memory (exclusive). */
struct extent {
	uint64_t start, file_end, end;
};

static int not_linux(const char *why, struct error *err)
{
	return error_set(err, ENOEXEC,
			 "an ELF file, but not a kernel of x86_64 Linux: %s", why);
}

static int check_kind(const GElf_Ehdr *e, int class, struct error *err)
{
	if (class != ELFCLASS64)
		return not_linux("it is a 32-bit file", err);
	if (e->e_machine != EM_X86_64 || e->e_ident[EI_DATA] != ELFDATA2LSB)
		return not_linux("it is for another kind of processor", err);
	switch (e->e_type) {
	case ET_EXEC:
		return 0;
	case ET_REL:
		return not_linux("a relocatable object, such as a module", err);
	case ET_DYN:
		return not_linux("a shared library or position-independent program", err);
	case ET_CORE:
		return not_linux("a core dump", err);
	default:
		return not_linux("of no type that is known", err);
	}
}

static int damaged(struct error *err)
{
	return error_set(err, ENOEXEC, "a damaged or truncated ELF file (%s)",
			 libelf.elf_errmsg(-1));
}

static int get_segments(Elf *elf, struct segments *out, struct error *err)
{
	size_t count;

	if (libelf.elf_getphdrnum(elf, &count) < 0)
		return damaged(err);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;

		if (!libelf.gelf_getphdr(elf, (int)i, &p))
			return damaged(err);
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		if (out->count == SEGMENTS_MAX)
			return not_linux("it has too many segments", err);
		out->items[out->count++] = p;
	}
	return out->count ? 0 : not_linux("nothing of it is to be loaded", err);
}

/* libelf reads from the descriptor: a mapped file that shrinks would raise SIGBUS. */
static int read_segments(int fd, struct segments *out, struct error *err)
{
	GElf_Ehdr e;
	Elf *elf;
	int ret;

	*out = (struct segments){ 0 };
	if (libelf.elf_version(EV_CURRENT) == EV_NONE)
		return damaged(err);
	elf = libelf.elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || libelf.elf_kind(elf) != ELF_K_ELF || !libelf.gelf_getehdr(elf, &e)) {
		ret = damaged(err);
	} else {
		out->entry = e.e_entry;
		ret = check_kind(&e, libelf.gelf_getclass(elf), err);
		if (!ret)
			ret = get_segments(elf, out, err);
	}
	libelf.elf_end(elf);
	return ret;
}

static int check_segment(const Elf64_Phdr *p, uint64_t file_size, struct error *err)
{
	uint64_t end;

	if (__builtin_add_overflow(p->p_offset, p->p_filesz, &end) || end > file_size)
		return error_set(err, ENOEXEC,
				 "truncated: %llu bytes, the kernel goes on behind that",
				 (unsigned long long)file_size);
	if (p->p_filesz > p->p_memsz ||
	    __builtin_add_overflow(p->p_paddr, p->p_memsz, &end))
		return error_set(err, ENOEXEC,
				 "damaged: a segment with impossible sizes");
	return 0;
}

static bool overlap(const Elf64_Phdr *a, const Elf64_Phdr *b)
{
	return a->p_paddr < b->p_paddr + b->p_memsz &&
	       b->p_paddr < a->p_paddr + a->p_memsz;
}

static int check_segments(const struct segments *s, uint64_t file_size, struct error *err)
{
	for (size_t i = 0; i < s->count; i++) {
		int ret = check_segment(&s->items[i], file_size, err);

		if (ret)
			return ret;
		for (size_t k = 0; k < i; k++)
			if (overlap(&s->items[i], &s->items[k]))
				return error_set(err, ENOEXEC,
						 "damaged: two segments that overlap");
	}
	return 0;
}

/* Computes the extent; returns the segment with the lowest address. */
static const Elf64_Phdr *measure(const struct segments *s, struct extent *out)
{
	const Elf64_Phdr *lowest = &s->items[0];

	*out = (struct extent){ 0 };
	for (size_t i = 0; i < s->count; i++) {
		const Elf64_Phdr *p = &s->items[i];

		if (p->p_paddr < lowest->p_paddr)
			lowest = p;
		if (p->p_paddr + p->p_filesz > out->file_end)
			out->file_end = p->p_paddr + p->p_filesz;
		if (p->p_paddr + p->p_memsz > out->end)
			out->end = p->p_paddr + p->p_memsz;
	}
	out->start = lowest->p_paddr;
	return lowest;
}

/* Linux has a physical entry address; kernels of other systems do not. */
static bool has_entry(const struct segments *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->entry >= s->items[i].p_paddr &&
		    s->entry - s->items[i].p_paddr < s->items[i].p_filesz)
			return true;
	return false;
}

/*
 * Checks the text, which comes first. Other segments may have any virtual address: that
 * of per-CPU data is 0 before Linux 6.15.
 */
static int check_place(const struct segments *s, struct extent *out, struct error *err)
{
	const Elf64_Phdr *text = measure(s, out);

	if (text->p_vaddr < TEXT_MAPPING || text->p_vaddr - TEXT_MAPPING != text->p_paddr)
		return not_linux("it is made for other addresses", err);
	if (!has_entry(s))
		return not_linux("its entry point is not in it", err);
	if (!out->start || out->start % KERNEL_ALIGN)
		return error_set(
			err, ENOEXEC,
			"damaged: the kernel begins at 0x%llx, not at a multiple of "
			"2 MiB",
			(unsigned long long)out->start);
	if (out->end - out->start > DECOMPRESS_MAX)
		return error_set(err, EFBIG,
				 "takes more than %zu bytes of memory; no kernel is that "
				 "big",
				 DECOMPRESS_MAX);
	return 0;
}

/*
 * Fills in the setup header as in a bzImage of the same kernel, where that applies. The
 * kernel runs at any address even without CONFIG_RELOCATABLE, which concerns the
 * decompressor of a bzImage; and it accepts all 64-bit addresses of boot_params.
 */
static void fill_setup(uint8_t setup[SETUP_SIZE], const struct extent *e)
{
	const uint8_t end = HEADER_AT + sizeof(struct setup_header) - JUMP_END;
	const struct setup_header hdr = {
		.setup_sects = SETUP_SIZE / SECTOR - 1,
		.root_flags = 1, /* mount it read-only first, unless overridden */
		.syssize = (uint32_t)((e->file_end - e->start) / 16),
		.vid_mode = 0xffff, /* keep the current mode */
		.boot_flag = 0xaa55,
		.jump = (uint16_t)(0xeb | end << 8),
		.header = HEADER_MAGIC,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.code32_start = 0x100000,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = KERNEL_ALIGN,
		.relocatable_kernel = 1,
		.min_alignment = 21, /* log2: 2 MiB */
		.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G,
		.cmdline_size = 2047, /* COMMAND_LINE_SIZE of arch/x86 */
		.pref_address = e->start,
		.init_size = (uint32_t)align_up(e->end - e->start, X86_PAGE),
	};

	memset(setup, 0, SETUP_SIZE);
	memcpy(setup + HEADER_AT, &hdr, sizeof(hdr));
}

static int compose(const struct file *f, const struct segments *s, const struct extent *e,
		   struct file *out, struct error *err)
{
	uint8_t setup[SETUP_SIZE];
	struct file_part parts[SEGMENTS_MAX + 1] = { { .data = setup,
						       .size = sizeof(setup) } };

	fill_setup(setup, e);
	for (size_t i = 0; i < s->count; i++)
		parts[i + 1] = (struct file_part){
			.from = s->items[i].p_offset,
			.to = SETUP_SIZE + s->items[i].p_paddr - e->start,
			.size = s->items[i].p_filesz,
		};
	return file_compose(f, parts, s->count + 1, SETUP_SIZE + e->file_end - e->start,
			    out, err);
}

/* The mapping of our own memfd is safe to read: nobody else can shrink it. */
static bool contains(const struct file *f, const void *text, size_t size)
{
	return memmem(f->bytes.data, f->bytes.size, text, size) != NULL;
}

int elf_open_library(struct error *err)
{
	return open_elf(err);
}

int elf_unpack(struct file *f, struct elf_kernel *out, struct error *err)
{
	struct file flat = FILE_NONE;
	struct segments s;
	struct extent e;
	int ret;

	*out = (struct elf_kernel){ 0 };
	ret = open_elf(err);
	if (!ret)
		ret = read_segments(f->fd, &s, err);
	if (!ret)
		ret = check_segments(&s, f->stamp.size, err);
	if (!ret)
		ret = check_place(&s, &e, err);
	if (ret) {
		error_prefix(err, "%s", f->path);
		return ret;
	}
	ret = compose(f, &s, &e, &flat, err);
	if (ret)
		return ret;
	if (!contains(&flat, BANNER, sizeof(BANNER) - 1)) {
		ret = not_linux("it lacks the text \"Linux version\"", err);
		error_prefix(err, "%s", f->path);
		file_close(&flat);
		return ret;
	}
	out->entry_offset = s.entry - e.start;
	out->five_level = contains(&flat, FIVE_LEVEL_SYMBOL, sizeof(FIVE_LEVEL_SYMBOL));
	file_close(f);
	*f = flat;
	return 0;
}

int elf_open(struct file *f, struct bytes start, const struct image_request *request,
	     struct image *out, struct image_extras *extras, struct error *err)
{
	struct elf_kernel elf;
	int ret = elf_unpack(f, &elf, err);

	(void)start, (void)extras;
	if (ret)
		return ret;
	ret = request->entry_32bit ? error_set(err, ENOEXEC,
					       "an ELF vmlinux has no 32-bit entry point")
				   : bzimage_parse(file_head(f), f->bytes, out, err);
	if (ret) {
		error_prefix(err, "%s", f->path);
		return ret;
	}
	out->entry_offset = elf.entry_offset;
	out->arch_flags = X86_NO_32BIT_ENTRY | (elf.five_level ? X86_FIVE_LEVEL : 0);
	out->no_file_load = "is an ELF vmlinux";
	return 0;
}

#else

int elf_open(struct file *f, struct bytes start, const struct image_request *request,
	     struct image *out, struct image_extras *extras, struct error *err)
{
	(void)start, (void)request, (void)out, (void)extras;
	return error_set(err, ENOTSUP,
			 "%s is an ELF file and this kexec was built without libelf",
			 f->path);
}

#endif

/* Multiboot kernels are ELF files too, but not Linux. */
int elf_probe(struct bytes start, uint64_t file_size, struct error *err)
{
	(void)file_size, (void)err;
	return start.size >= SELFMAG && memcmp(start.data, ELFMAG, SELFMAG) == 0 &&
	       !unsupported_multiboot(start);
}
