// SPDX-License-Identifier: GPL-2.0-only
/* Placement of segments, and what this architecture asks of an Image. */
#include "arch/arm64/arm64.h"
#include "arch/dt/linux_image.h"

#include "base/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Documentation/arch/arm64/booting.rst, "Call the kernel image" */
#define FLAG_PAGES_SHIFT 1
#define FLAG_ANYWHERE	 0x8u

/* Kernel and initrd must be within one such window, at a multiple of a GiB. */
#define INITRD_WINDOW (32 * GIB)

const char linux_image_magic[4] = { 'A', 'R', 'M', '\x64' };
const uint64_t linux_image_align = 2 * MIB;
const uint64_t linux_image_offset_max = 2 * MIB - 1;
const uint64_t linux_image_cmdline_max = 2047;

void linux_image_take_flags(const struct linux_image *header, struct image *out)
{
	/* as low as possible: older kernels do not map memory below themselves */
	out->low_end = ARM64_PLACE_END;
	out->initrd_window = INITRD_WINDOW;
	out->arch_flags = header->flags >> FLAG_PAGES_SHIFT & ARM64_PAGES_MASK;
}

struct range arch_placement(const struct image *image)
{
	(void)image;
	return (struct range){ 0, ARM64_PLACE_END };
}

int arch_check_image(const struct machine *m, const struct image *image,
		     struct error *err)
{
	if (image->align_offset % m->page_size == 0)
		return 0;
	return error_set(
		err, ENOEXEC,
		"this kernel has to lie 0x%llx bytes behind a multiple of 2 MiB, "
		"and the running kernel loads whole pages of %llu KiB",
		(unsigned long long)image->align_offset,
		(unsigned long long)m->page_size / KIB);
}

/* Which sizes a CPU has is known to kernels only: the ID register is hidden from us. */
const char *arch_choose_entry(const struct machine *m, struct image *image)
{
	static const unsigned int sizes[] = { 0, 4, 16, 64 };
	static const char *const notes[] = {
		NULL,
		"its pages have 4 KiB, unlike those of the running kernel: a CPU "
		"without them cannot start it",
		"its pages have 16 KiB, unlike those of the running kernel: a CPU without "
		"them cannot start it",
		"its pages have 64 KiB, unlike those of the running kernel: a CPU without "
		"them cannot start it",
	};
	unsigned int pages = image->arch_flags & ARM64_PAGES_MASK;

	return pages && sizes[pages] * KIB != m->page_size ? notes[pages] : NULL;
}

/*
 * The first control page is written by no load of a crash image, which is entered without
 * the code for it: machine_kexec() of arch/arm64/kernel/machine_kexec.c.
 */
const bool arch_spares_first_page = true;

/* Until 6.4, arch_kexec_protect_crashkres() of the same file unmapped them. */
const bool arch_may_hide_load = true;
