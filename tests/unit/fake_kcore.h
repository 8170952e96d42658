/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_kcore.h - a small, valid /proc/kcore for tests to damage.
 *
 * RAM is the page at 0x1000 and the two from 0x100000, all of it readable: byte i of the page
 * at physical address A is (A >> 12) + i, modulo 256.
 */
#ifndef KS_FAKE_KCORE_H
#define KS_FAKE_KCORE_H

#include "arch/arch.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

#define FAKE_DIRECT_MAP 0xff11000000000000ull
#define FAKE_TEXT	0xffffffff9a000000ull
#define FAKE_TEXT_SIZE	0x1234567ull /* not whole pages */
#define FAKE_TEXT_PHYS	0x1a000000ull
#define FAKE_SEGMENTS	6

enum fake_segment {
	FAKE_NOTE,
	FAKE_KERNEL,
	FAKE_VMALLOC,
	FAKE_MODULES,
	FAKE_LOW,
	FAKE_RAM
};

struct fake_kcore {
	Elf64_Ehdr header;
	Elf64_Phdr segments[FAKE_SEGMENTS];
	uint8_t ram[3][4096]; /* at 0x1000, 0x100000 and 0x101000 */
};

static inline Elf64_Phdr fake_segment(uint64_t vaddr, uint64_t paddr, uint64_t size,
				      uint64_t offset)
{
	return (Elf64_Phdr){ .p_type = PT_LOAD,
			     .p_flags = PF_R | PF_W | PF_X,
			     .p_offset = offset,
			     .p_vaddr = vaddr,
			     .p_paddr = paddr,
			     .p_filesz = size,
			     .p_memsz = size,
			     .p_align = 4096 };
}

static inline void fake_kcore_make(struct fake_kcore *k)
{
	static const uint64_t pages[3] = { 0x1, 0x100, 0x101 };
	const size_t ram = offsetof(struct fake_kcore, ram);

	*k = (struct fake_kcore){ 0 };
	memcpy(k->header.e_ident, ELFMAG, SELFMAG);
	k->header.e_ident[EI_CLASS] = ELFCLASS64;
	k->header.e_ident[EI_DATA] = ELFDATA2LSB;
	k->header.e_ident[EI_VERSION] = EV_CURRENT;
	k->header.e_type = ET_CORE;
	k->header.e_machine = arch_elf_machine;
	k->header.e_version = EV_CURRENT;
	k->header.e_phoff = sizeof(k->header);
	k->header.e_ehsize = sizeof(k->header);
	k->header.e_phentsize = sizeof(k->segments[0]);
	k->header.e_phnum = FAKE_SEGMENTS;
	k->segments[FAKE_NOTE] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_filesz = 100 };
	k->segments[FAKE_KERNEL] =
		fake_segment(FAKE_TEXT, FAKE_TEXT_PHYS, FAKE_TEXT_SIZE, 0x7fff9a000000);
	k->segments[FAKE_VMALLOC] = fake_segment(0xffa0000000000000, UINT64_MAX,
						 0x1fffffffffff, 0xa0000000000000);
	k->segments[FAKE_MODULES] = fake_segment(0xffffffffc0000000, UINT64_MAX,
						 0x3f000000, 0xffffffc0000000);
	k->segments[FAKE_LOW] = fake_segment(FAKE_DIRECT_MAP + 0x1000, 0x1000, 4096, ram);
	k->segments[FAKE_RAM] =
		fake_segment(FAKE_DIRECT_MAP + 0x100000, 0x100000, 8192, ram + 4096);
	for (size_t page = 0; page < 3; page++)
		for (size_t i = 0; i < 4096; i++)
			k->ram[page][i] = (uint8_t)(pages[page] + i);
}

#endif
