// SPDX-License-Identifier: GPL-2.0-only
/* Placement of segments, and what this architecture asks of an Image. */
#include "arch/arm64/arm64.h"
#include "arch/dt/linux_image.h"

#include "base/units.h"
#include "plan/cmdline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Documentation/arch/arm64/booting.rst, "Call the kernel image" */
#define FLAG_BIG_ENDIAN	 0x1u
#define FLAG_PAGES_SHIFT 1
#define FLAG_ANYWHERE	 0x8u

/* Kernel and initrd must be within one such window, at a multiple of a GiB. */
#define INITRD_WINDOW (32 * GIB)

const char linux_image_magic[4] = { 'A', 'R', 'M', '\x64' };
const uint64_t linux_image_align = 2 * MIB;

int linux_image_take_flags(const struct linux_image *header, struct image *out,
			   struct error *err)
{
	if (header->flags & FLAG_BIG_ENDIAN)
		return error_set(err, ENOEXEC,
				 "a big-endian kernel; only little-endian "
				 "ones are booted");
	/* as low as possible: older kernels do not map memory below themselves */
	out->low_end = ARM64_PLACE_END;
	out->initrd_window = INITRD_WINDOW;
	out->arch_flags = header->flags >> FLAG_PAGES_SHIFT & ARM64_PAGES_MASK;
	return 0;
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
 * Control code, and the copy of vmcoreinfo: crash images get no page tables, in
 * machine_kexec_post_load() of arch/arm64/kernel/machine_kexec.c.
 */
#define CONTROL_PAGES 2

uint64_t arch_control_pages(const struct memory_map *ram, bool large_pages)
{
	(void)ram, (void)large_pages;
	return CONTROL_PAGES;
}

uint64_t arch_control_reserve(const struct memory_map *ram, bool large_pages)
{
	return arch_control_pages(ram, large_pages);
}

/*
 * The first of the two is written by no load of a crash image, which is entered without
 * that code: machine_kexec() of arch/arm64/kernel/machine_kexec.c.
 */
const bool arch_spares_first_page = true;

/* Until 6.4, arch_kexec_protect_crashkres() of the same file unmapped them. */
const bool arch_may_hide_load = true;

/*
 * The headers' address is in the tree. If the user decides about the bootloader, nothing
 * is added.
 */
char *arch_crash_cmdline(const struct plan_builder *b, uint64_t elfcorehdr)
{
	const char *own = b->in->cmdline ? b->in->cmdline : "";

	(void)elfcorehdr;
	if (b->in->seed || !b->in->machine->arch->uefi || cmdline_sets(own, PLAN_TRUST))
		return strdup(own);
	return cmdline_append(PLAN_DISTRUST, own);
}

/* Its tree and its seed are not looked for: such an image is not refreshed. */
int arch_find_file_load(const struct kcore *k, struct range region, const char *cmdline,
			struct file_load_image *out, struct error *err)
{
	(void)k, (void)region, (void)cmdline;
	*out = (struct file_load_image){ 0 };
	return error_set(err, ENOENT,
			 "kexec-seed does not refresh images of kexec_file_load on arm64");
}
