// SPDX-License-Identifier: GPL-2.0-only
/* Image formats of arm64 and riscv64, and words for kexec-tools' -t that are refused. */
#include "arch/arch.h"
#include "arch/dt/linux_image.h"
#include "image/uki.h"

const struct image_format arch_image_formats[] = {
	{ .type = "Image",
	  .name = "Image",
	  .in_uki = true,
	  .probe = linux_image_probe,
	  .open = linux_image_open },
	{ .type = "vmlinuz",
	  .name = "zboot",
	  .in_uki = true,
	  .probe = zboot_probe,
	  .open = zboot_open },
	{ .type = "uki", .name = "UKI", .probe = uki_probe, .open = uki_open },
	{ .type = "vmlinux", .refusal = "ELF kernels are not booted; their Image is" },
	{ .type = "uImage",
	  .refusal = "images for U-Boot are not opened; the Image in them is" },
	{ .type = NULL },
};
