// SPDX-License-Identifier: GPL-2.0-only
#include "arch/riscv64/riscv64.h"

#include "arch/dt/boot_data.h"
#include "base/text.h"
#include "base/units.h"

#include <elf.h>
#include <errno.h>
#include <linux/kexec.h>
#include <stdlib.h>

#ifndef KEXEC_ARCH_RISCV /* uapi headers before 5.13 */
#define KEXEC_ARCH_RISCV (EM_RISCV << 16)
#endif

/* The kernel and its modules: Documentation/arch/riscv/vm-layout.rst. */
#define TEXT_START 0xffffffff00000000ull

const char arch_name[] = "riscv64";
#ifdef __riscv
const bool arch_is_own = true;
#else
const bool arch_is_own = false;
#endif
const uint16_t arch_elf_machine = EM_RISCV;
const unsigned long arch_kexec = KEXEC_ARCH_RISCV;
const uint16_t arch_pe_machine = 0x5064; /* Microsoft, "PE Format", "Machine Types" */
const char arch_unknown_memory[] = "\n"; /* no line of /proc/iomem has such a name */

const struct range arch_not_dumped = { 0 };

/* of_kexec_alloc_and_setup_fdt() */
const unsigned int arch_file_seed_since = 5 << 16 | 19 << 8;

bool arch_is_kernel_text(uint64_t vaddr, uint64_t lowest)
{
	(void)lowest;
	return vaddr >= TEXT_START;
}

struct dt_machine *dt_of_machine(const struct machine *m)
{
	return &m->arch->dt;
}

static void take_extension(struct bytes word, void *context)
{
	struct riscv64_cpu *cpu = context;

	if (text_equals(word, "zkr"))
		cpu->zkr = true;
	else if (text_equals(word, "zknh"))
		cpu->zknh = true;
}

/* As "rv64imafdc_zicsr_zkr": Documentation/arch/riscv/uabi.rst. */
int riscv64_cpu_read(const char *root, struct riscv64_cpu *out, struct error *err)
{
	*out = (struct riscv64_cpu){ 0 };
	return dt_read_features(root, "isa", '_', take_extension, out, err);
}

int arch_machine_read(const char *root, struct iomem *iomem, struct machine *m,
		      struct error *err)
{
	int ret;

	m->arch = calloc(1, sizeof(*m->arch));
	if (!m->arch)
		return error_set(err, ENOMEM, "out of memory");
	m->page_size = 4 * KIB; /* the only size that Linux has here */
	ret = dt_machine_read(root, iomem, m, &m->arch->dt, err);
	return ret ? ret : riscv64_cpu_read(root, &m->arch->cpu, err);
}
