// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/cpu.h"
#include "arch/x86/efi.h"
#include "arch/x86/memmap.h"
#include "arch/x86/x86.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <linux/kexec.h>
#include <string.h>

/* Documentation/arch/x86/x86_64/mm.rst: the kernel's text, followed by modules. */
#define TEXT_START 0xffffffff80000000ull

const char arch_name[] = "x86_64";
const bool arch_is_own = true;
const bool arch_takes_dtb = false;
const char arch_boot_data_name[] = "boot_params";
const uint16_t arch_elf_machine = EM_X86_64;
const unsigned long arch_kexec = KEXEC_ARCH_X86_64;
const uint16_t arch_pe_machine = 0x8664; /* Microsoft, "PE Format", "Machine Types" */

/* e820_type_to_string() of arch/x86/kernel/e820.c */
const char arch_unknown_memory[] = "Unknown E820 type";

/* The kernel excludes the first MiB: elf_header_exclude_ranges(). */
const struct range arch_not_dumped = { 0, MIB };

/* The header of a setup_data node. */
const uint64_t arch_seed_offset = sizeof(struct setup_data);

/* setup_rng_seed() of arch/x86/kernel/kexec-bzimage64.c */
const unsigned int arch_file_seed_since = 6 << 16;

bool arch_is_kernel_text(uint64_t vaddr, uint64_t lowest)
{
	(void)lowest;
	return vaddr >= TEXT_START;
}

static int read_boot_params(const char *root, struct arch_machine *x86, struct error *err)
{
	static const char name[] = "/sys/kernel/boot_params/data";
	_cleanup_free_ char *data = NULL;
	size_t size;
	int ret = file_slurp_in(root, name, sizeof(x86->boot_params), &data, &size);

	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s%s: %s", root, name, errno_text(-ret));
	if (ret || size != sizeof(x86->boot_params))
		return 0;
	memcpy(&x86->boot_params, data, size);
	x86->has_boot_params = true;
	return 0;
}

static const struct boot_params *known_boot_params(const struct arch_machine *x86)
{
	return x86->has_boot_params ? &x86->boot_params : NULL;
}

/*
 * Without CONFIG_FIRMWARE_MEMMAP the kernel exports only its own view. That includes RAM
 * of drivers, absent from any firmware map: skip it, since the driver adds it again in
 * the next kernel.
 */
static int map_from_iomem(const struct iomem *iomem, struct memory_map *out)
{
	for (size_t i = 0; i < iomem->map.count; i++) {
		const struct memory_entry *e = &iomem->map.entries[i];
		struct range r = { e->addr, e->addr + e->size };
		int ret;

		if (e->type == MEMORY_RAM && !ranges_contain(&iomem->ram, r))
			continue;
		ret = memory_map_add(out, r.start, r.end - 1, e->type);
		if (ret)
			return ret;
	}
	memory_map_sort(out);
	memory_map_merge(out);
	return 0;
}

static int read_firmware_map(const char *root, const struct iomem *iomem,
			     struct memory_map *out, struct notes *notes,
			     struct error *err)
{
	int ret = x86_memmap_read(root, out, notes, err);

	if (ret || out->count)
		return ret;
	if (iomem->hidden)
		return error_set(
			err, ENOENT,
			"no memory map: %s/sys/firmware/memmap is missing, and %s/proc/iomem "
			"is missing or hides its addresses (to root it does not)",
			root, root);
	ret = map_from_iomem(iomem, out);
	return ret ? error_set(err, -ret, "memory map: %s", memory_map_strerror(ret)) : 0;
}

static uint32_t type_in_boot_params(const struct memory_entry *e,
				    const struct boot_params *bp)
{
	for (size_t i = 0; i < bp->e820_entries && i < E820_MAX_ENTRIES_ZEROPAGE; i++) {
		const struct boot_e820_entry *b = &bp->e820_table[i];

		if (b->addr <= e->addr && e->addr - b->addr < b->size &&
		    e->size <= b->size - (e->addr - b->addr) && b->type != MEMORY_RAM)
			return b->type;
	}
	return MEMORY_UNKNOWN;
}

void x86_resolve_unknown(struct memory_map *map, const struct boot_params *bp)
{
	for (size_t i = 0; i < map->count; i++) {
		struct memory_entry *e = &map->entries[i];

		if (e->type != MEMORY_UNKNOWN)
			continue;
		if (bp)
			e->type = type_in_boot_params(e, bp);
		if (e->type == MEMORY_UNKNOWN)
			e->type = MEMORY_RESERVED;
	}
}

static int read_memory(const char *root, struct iomem *iomem, struct machine *m,
		       struct error *err)
{
	const struct boot_params *bp = known_boot_params(m->arch);
	int ret = read_firmware_map(root, iomem, &m->firmware, &m->notes, err);

	if (ret)
		return ret;
	x86_resolve_unknown(&m->firmware, bp);
	ret = machine_find_ram(&m->firmware, iomem, X86_PAGE, &m->ram, err);
	if (ret)
		return ret;
	if (!m->ram.count)
		return error_set(
			err, ENODATA,
			"memory map: firmware and kernel agree on no RAM at all");
	x86_resolve_unknown(&iomem->map, bp);
	return 0;
}

/* Same choice as setup_efi_state() in arch/x86/kernel/kexec-bzimage64.c. */
static uint64_t choose_rsdp(const struct arch_machine *x86)
{
	if (x86->has_boot_params && x86->boot_params.acpi_rsdp_addr)
		return x86->boot_params.acpi_rsdp_addr;
	return x86->efi.acpi20 ? x86->efi.acpi20 : x86->efi.acpi;
}

int arch_machine_read(const char *root, struct iomem *iomem, struct machine *m,
		      struct error *err)
{
	struct arch_machine *x86 = calloc(1, sizeof(*x86));
	int ret;

	if (!x86)
		return error_set(err, ENOMEM, "out of memory");
	m->arch = x86;
	m->page_size = X86_PAGE;
	ret = read_boot_params(root, x86, err);
	if (!ret)
		ret = read_memory(root, iomem, m, err);
	if (!ret)
		ret = efi_read(root, known_boot_params(x86), &x86->efi, err);
	if (!ret)
		ret = cpu_read(root, &x86->cpu, err);
	if (ret)
		return ret;
	m->physical_bits = x86->cpu.physical_bits;
	m->large_pages = x86->cpu.gbpages;
	x86->rsdp = choose_rsdp(x86);
	return 0;
}

int arch_use_dtb(struct machine *m, const char *path, struct error *err)
{
	(void)m;
	return error_set(err, ENOTSUP, "%s: no device tree is used on x86_64", path);
}

/* Without root privileges, a dry run does with less, as the manual says. */
int arch_check_machine(const struct machine *m, const struct load_request *r,
		       struct error *err)
{
	const struct arch_machine *x86 = m->arch;
	bool is_forbidden =
		x86->efi.unreadable == -EACCES || x86->efi.unreadable == -EPERM;

	if (r->caches_off)
		return error_set(err, ENOTSUP,
				 "--purgatory-caches=off: only for arm64; the caches of "
				 "x86_64 are always on");
	if (!x86->has_boot_params)
		return error_set(
			err, ENODATA,
			"/sys/kernel/boot_params/data is missing: the next kernel might "
			"not find its ACPI tables; mount /sys, or use -s");
	if (!x86->efi.unreadable || (r->dry_run && is_forbidden) ||
	    (r->noefi && x86->rsdp))
		return 0;
	return error_set(
		err, ENODATA,
		"/sys/firmware/efi: %s, although this machine was booted through "
		"EFI: the next kernel would not find %s; show it the whole of "
		"/sys, or use -s%s",
		errno_text(-x86->efi.unreadable),
		x86->rsdp ? "EFI" : "EFI or its ACPI tables",
		x86->rsdp ? " or --noefi" : "");
}

/* Only ACPI describes it. */
void arch_find_vmgenid(const struct machine *m, struct vmgenid *out)
{
	(void)m, (void)out;
}

void arch_machine_free(struct machine *m)
{
	if (!m->arch)
		return;
	efi_free(&m->arch->efi);
	free(m->arch);
	m->arch = NULL;
}

int arch_read_large_pages(const char *root, bool *out, struct error *err)
{
	struct cpu cpu;
	int ret = cpu_read(root, &cpu, err);

	*out = !ret && cpu.gbpages;
	return ret;
}
