// SPDX-License-Identifier: GPL-2.0-only
/* Crash kernels of architectures with a device tree. */
#include "arch/dt/boot_data.h"

#include "arch/arch.h"
#include "plan/builder.h"
#include "plan/cmdline.h"

#include <errno.h>
#include <string.h>

/*
 * Control code, and the copy of vmcoreinfo. Crash images get no page tables: on arm64 they
 * are made in machine_kexec_post_load(), for other images; riscv64 makes none.
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
 * The headers' address is in the tree. If the user decides about the bootloader, nothing
 * is added.
 */
char *arch_crash_cmdline(const struct plan_builder *b, uint64_t elfcorehdr)
{
	const char *own = b->in->cmdline ? b->in->cmdline : "";

	(void)elfcorehdr;
	if (b->in->seed || !dt_of_machine(b->in->machine)->uefi ||
	    cmdline_sets(own, PLAN_TRUST))
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
			 "kexec-seed does not refresh images of kexec_file_load on %s",
			 arch_name);
}
