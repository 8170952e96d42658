// SPDX-License-Identifier: GPL-2.0-only
#include "arch/arm64/arm64.h"

#include "arch/dt/boot_data.h"

#include <elf.h>
#include <errno.h>
#include <linux/kexec.h>
#include <stdlib.h>

/*
 * Kernel addresses have 36 to 48 bits; with 52, only RAM uses the others. RAM is mapped in
 * their lower half, the kernel itself in the upper one: Documentation/arch/arm64/memory.rst,
 * and KIMAGE_VADDR of the kernel.
 */
#define IMAGE_BITS_MAX 48u

const char arch_name[] = "aarch64";
#ifdef __aarch64__
const bool arch_is_own = true;
#else
const bool arch_is_own = false;
#endif
const uint16_t arch_elf_machine = EM_AARCH64;
const unsigned long arch_kexec = KEXEC_ARCH_AARCH64;
const uint16_t arch_pe_machine = 0xaa64; /* Microsoft, "PE Format", "Machine Types" */
const char arch_unknown_memory[] = "\n"; /* no line of /proc/iomem has such a name */

const struct range arch_not_dumped = { 0 };

/* of_kexec_alloc_and_setup_fdt(), before 5.12 setup_dtb() of arch/arm64 */
const unsigned int arch_file_seed_since = 5 << 16 | 5 << 8;

bool arch_is_kernel_text(uint64_t vaddr, uint64_t lowest)
{
	unsigned int bits = IMAGE_BITS_MAX;

	while (bits > 1 && lowest >= -(1ull << (bits - 1)))
		bits--;
	return vaddr >= -(1ull << (bits - 1));
}

struct dt_machine *dt_of_machine(const struct machine *m)
{
	return &m->arch->dt;
}

int arch_machine_read(const char *root, struct iomem *iomem, struct machine *m,
		      struct error *err)
{
	struct arch_machine *arm = calloc(1, sizeof(*arm));
	int ret;

	if (!arm)
		return error_set(err, ENOMEM, "out of memory");
	m->arch = arm;
	ret = arm64_page_size_read(root, &m->page_size, &m->notes, err);
	if (!ret)
		ret = dt_machine_read(root, iomem, m, &arm->dt, err);
	if (!ret)
		ret = arm64_cpu_read(root, &arm->cpu, err);
	return ret ? ret : arm64_firmware_read(root, arm, err);
}
