// SPDX-License-Identifier: GPL-2.0-only
/* Placement of segments, and what this architecture asks of an Image. */
#include "arch/dt/linux_image.h"
#include "arch/riscv64/riscv64.h"

#include "base/units.h"

/* Physical addresses of all modes: RISC-V Privileged Architecture, "satp". */
#define PLACE_END (1ull << 56)

/* The offset in the header is that from the start of RAM, where firmware puts kernels. */
const char linux_image_magic[4] = { 'R', 'S', 'C', '\x05' };
const uint64_t linux_image_align = 2 * MIB;
const uint64_t linux_image_offset_max = 16 * MIB;
const uint64_t linux_image_cmdline_max = 1023;

/* Documentation/arch/riscv/boot-image-header.rst has no flag but that of the byte order. */
void linux_image_take_flags(const struct linux_image *header, struct image *out)
{
	(void)header;
	/* it reserves the rest of its last block of 2 MiB, and ignores an initrd there */
	out->mem_size = align_up(out->mem_size, linux_image_align);
	/* as low as possible: older kernels do not map memory below themselves */
	out->low_end = PLACE_END;
}

struct range arch_placement(const struct image *image)
{
	(void)image;
	return (struct range){ 0, PLACE_END };
}

int arch_check_image(const struct machine *m, const struct image *image,
		     struct error *err)
{
	(void)m, (void)image, (void)err;
	return 0;
}

const char *arch_choose_entry(const struct machine *m, struct image *image)
{
	(void)m, (void)image;
	return NULL;
}

/*
 * The first control page stays zeroed: a crash image is entered without the code for it, in
 * machine_kexec() of arch/riscv/kernel/machine_kexec.c.
 */
const bool arch_spares_first_page = true;

const bool arch_may_hide_load = false;
