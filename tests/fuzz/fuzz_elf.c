// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as an ELF file: an accepted kernel is laid out as its headers say.
 */
#include "arch/x86/bzimage.h"
#include "arch/x86/elf.h"
#include "purgatory_params.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Larger ones are legal, but too slow to be tried by the million. */
#define MEMORY_MAX ((uint64_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does the table ask for more, by size or by distance? */
static int asks_for_much(const uint8_t *data, size_t size)
{
	uint64_t low = UINT64_MAX, high = 0;
	Elf64_Ehdr e;

	if (size < sizeof(e))
		return 0;
	memcpy(&e, data, sizeof(e));
	for (size_t i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p;

		if (e.e_phoff > size || size - e.e_phoff < (i + 1) * sizeof(p))
			return 0;
		memcpy(&p, data + e.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		low = p.p_paddr < low ? p.p_paddr : low;
		high = p.p_paddr + p.p_filesz > high ? p.p_paddr + p.p_filesz : high;
	}
	return high > low && high - low > MEMORY_MAX;
}

#ifdef HAVE_ELF
static void check(const struct file *f, const struct elf_kernel *elf)
{
	struct image image;
	struct error err;

	if (bzimage_parse(file_head(f), f->bytes, &image, &err))
		return; /* a kernel of a few bytes, for example */
	if (elf->entry_offset >= image.kernel.size ||
	    image.kernel.size > image.mem_size || image.mem_size > (uint64_t)1 << 30 ||
	    image.min_addr % image.align || image.fixed ||
	    image.entry_mode != PURGATORY_ENTRY_64)
		abort();
}

static void unpack(struct file *f)
{
	const struct file before = *f;
	struct elf_kernel elf;
	struct error err;

	if (elf_unpack(f, &elf, &err) == 0)
		check(f, &elf);
	else if (f->fd != before.fd || f->bytes.size != before.bytes.size)
		abort(); /* unchanged on failure */
}
#else
static void unpack(struct file *f)
{
	const struct image_request any = { 0 };
	struct image_extras extras;
	struct image image;
	struct error err = { "" };

	if (elf_open(f, (struct bytes){ 0 }, &any, &image, &extras, &err) >= 0 ||
	    !err.text[0])
		abort();
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct error err;
	struct file f;

	if (fd < 0)
		abort();
	if (!size || asks_for_much(data, size) || file_write_all(fd, data, size) ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return 0;
	}
	if (file_adopt(fd, "fuzz", &f, &err))
		abort();
	if (f.fd != fd || f.bytes.size != size)
		abort();
	unpack(&f);
	file_close(&f);
	return 0;
}
