// SPDX-License-Identifier: GPL-2.0-only
#include "arch/arm64/arm64.h"

#include "arch/dt/boot_data.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"

#include <elf.h>
#include <errno.h>
#include <libfdt.h>
#include <linux/kexec.h>
#include <string.h>

/*
 * The kernel's text lies at the start of the upper half's vmalloc area, above the modules,
 * and the direct map below that: Documentation/arch/arm64/memory.rst.
 */
#define TEXT_START 0xffff800000000000ull

const char arch_name[] = "aarch64";
#ifdef __aarch64__
const bool arch_is_own = true;
#else
const bool arch_is_own = false;
#endif
const bool arch_takes_dtb = true;
const uint16_t arch_elf_machine = EM_AARCH64;
const unsigned long arch_kexec = KEXEC_ARCH_AARCH64;
const uint16_t arch_pe_machine = 0xaa64; /* Microsoft, "PE Format", "Machine Types" */
const char arch_unknown_memory[] = "\n"; /* no line of /proc/iomem has such a name */

const struct range arch_not_dumped = { 0 };

/* of_kexec_alloc_and_setup_fdt(), before 5.12 setup_dtb() of arch/arm64 */
const unsigned int arch_file_seed_since = 5 << 16 | 5 << 8;

bool arch_is_kernel_text(uint64_t vaddr)
{
	return vaddr >= TEXT_START;
}

const struct dt *dt_of_machine(const struct machine *m)
{
	return &m->arch->tree;
}

/* Without root privileges the tree cannot be read: arch_check_machine() says so. */
static int read_tree(const char *root, struct arch_machine *arm, struct error *err)
{
	struct error why;
	int chosen, ret = dt_read(root, &arm->tree, &why);

	if (ret == -ENOENT || ret == -EACCES || ret == -EPERM) {
		arm->no_tree = ret;
		return 0;
	}
	if (ret) {
		*err = why;
		return ret;
	}
	chosen = fdt_path_offset(arm->tree.data, "/chosen");
	arm->uefi = chosen >= 0 &&
		    fdt_getprop(arm->tree.data, chosen, "linux,uefi-system-table", NULL);
	return 0;
}

/* Nothing goes where the tree, which the next kernel reads too, reserves memory. */
static int remove_reserved(struct machine *m, struct error *err)
{
	const uint64_t page = m->page_size;
	struct ranges reserved = { 0 };
	int ret = 0;

	if (m->arch->tree.data)
		ret = dt_add_reserved(&m->arch->tree, &reserved, err);
	for (size_t i = 0; !ret && i < reserved.count; i++) {
		struct range r = reserved.items[i];

		r.start = align_down(r.start, page);
		r.end = r.end > UINT64_MAX - page ? UINT64_MAX : align_up(r.end, page);
		if (ranges_remove(&m->ram, r))
			ret = error_set(err, ENOMEM, "out of memory");
	}
	ranges_free(&reserved);
	return ret;
}

/*
 * The kernel's own view is the only one: it has firmware's memory, less what firmware, the
 * tree and early code reserved ("reserved", within RAM or beside it).
 */
static int find_ram(const char *root, struct iomem *iomem, struct machine *m,
		    struct error *err)
{
	int ret;

	if (iomem->hidden)
		return error_set(err, ENOENT,
				 "no memory map: %s/proc/iomem is missing or hides its "
				 "addresses (to root it does not)",
				 root);
	ret = machine_find_ram(&iomem->map, iomem, m->page_size, &m->ram, err);
	if (!ret)
		ret = remove_reserved(m, err);
	if (ret || m->ram.count)
		return ret;
	return error_set(err, ENODATA, "%s/proc/iomem: no RAM at all is free", root);
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
		ret = read_tree(root, arm, err);
	if (!ret)
		ret = find_ram(root, iomem, m, err);
	if (!ret)
		ret = arm64_cpu_read(root, &arm->cpu, err);
	return ret ? ret : arm64_firmware_read(root, arm, err);
}

int arch_use_dtb(struct machine *m, const char *path, struct error *err)
{
	struct dt tree;
	int ret = dt_read_file("", path, &tree, err);

	if (ret)
		return ret;
	dt_free(&m->arch->tree);
	m->arch->tree = tree;
	return remove_reserved(m, err);
}

void arch_machine_free(struct machine *m)
{
	if (!m->arch)
		return;
	dt_free(&m->arch->tree);
	free(m->arch);
	m->arch = NULL;
}

int arch_read_large_pages(const char *root, bool *out, struct error *err)
{
	(void)root, (void)err;
	*out = false; /* control pages do not depend on it */
	return 0;
}

int arch_check_machine(const struct machine *m, const struct load_request *r,
		       struct error *err)
{
	const struct arch_machine *arm = m->arch;

	if (request_is_crash(r))
		return error_set(err, ENOTSUP,
				 "crash kernels are not supported on arm64 yet; "
				 "kexec_file_load (-s) loads one if the running kernel "
				 "has that call");
	if (!arm->tree.data)
		return error_set(err, ENODATA,
				 "/sys/firmware/fdt: %s: the next kernel would not find "
				 "its memory; mount /sys and be root, or use -s",
				 errno_text(-arm->no_tree));
	if (r->noefi && arm->uefi)
		return error_set(err, EINVAL,
				 "--noefi: this machine was booted through UEFI, which "
				 "alone knows its memory");
	return 0;
}
