// SPDX-License-Identifier: GPL-2.0-only
/* Image formats of x86, and words for kexec-tools' -t that are refused. */
#include "config.h"

#include "arch/arch.h"
#include "arch/x86/bzimage.h"
#include "arch/x86/elf.h"
#include "image/uki.h"

#ifdef HAVE_ELF
#define ELF_LIBRARY NULL
#define ELF_OPEN    elf_open_library
#else
#define ELF_LIBRARY "libelf"
#define ELF_OPEN    NULL
#endif

#define NO_MULTIBOOT "multiboot kernels are not booted, only Linux is"

const struct image_format arch_image_formats[] = {
	{ .type = "bzImage",
	  .name = "bzImage",
	  .in_uki = true,
	  .probe = bzimage_probe,
	  .open = bzimage_open },
	{ .type = "bzImage64", .name = "bzImage" },
	{ .type = "uki", .name = "UKI", .probe = uki_probe, .open = uki_open },
	{ .type = "elf-x86_64",
	  .name = "ELF vmlinux",
	  .library = ELF_LIBRARY,
	  .open_library = ELF_OPEN,
	  .probe = elf_probe,
	  .open = elf_open },
	{ .type = "elf-x86",
	  .refusal = "32-bit ELF kernels are not booted; their bzImage is" },
	{ .type = "multiboot-x86", .refusal = NO_MULTIBOOT },
	{ .type = "multiboot2-x86", .refusal = NO_MULTIBOOT },
	{ .type = "beoboot-x86",
	  .refusal = "beoboot images are not opened; kernel and initrd are" },
	{ .type = "nbi-x86",
	  .refusal = "network boot images are not booted, only Linux is" },
	{ .type = NULL },
};
