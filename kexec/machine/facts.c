// SPDX-License-Identifier: GPL-2.0-only
#include "machine/facts.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "machine/cpu.h"
#include "machine/e820.h"
#include "machine/efi.h"
#include "machine/iomem.h"
#include "machine/kexec_sysfs.h"
#include "machine/memmap.h"
#include "machine/ram.h"
#include "machine/text.h"
#include "machine/vmgenid.h"

#include <errno.h>
#include <string.h>

/* Far more than a real one has; /proc gives no size beforehand. */
#define IOMEM_SIZE_MAX	 ((size_t)16 << 20)
#define CMDLINE_SIZE_MAX ((size_t)1 << 20)

static int slurp_below(const char *root, const char *name, size_t max, char **data,
		       size_t *size)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s", root, name) < 0)
		return -ENOMEM;
	return file_slurp(path, max, data, size);
}

static int read_boot_params(const char *root, struct facts *f, struct error *err)
{
	static const char name[] = "/sys/kernel/boot_params/data";
	_cleanup_free_ char *data = NULL;
	size_t size;
	int ret;

	ret = slurp_below(root, name, sizeof(f->boot_params), &data, &size);
	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s%s: %s", root, name, strerror(-ret));
	if (ret || size != sizeof(f->boot_params))
		return 0;
	memcpy(&f->boot_params, data, size);
	f->has_boot_params = true;
	return 0;
}

/* An iomem that is not there is as good as one that hides its addresses. */
static int read_iomem(const char *root, struct iomem *out, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int ret;

	*out = (struct iomem){ .hidden = true };
	ret = slurp_below(root, "/proc/iomem", IOMEM_SIZE_MAX, &text, &size);
	if (ret == -ENOENT || ret == -EACCES)
		return 0;
	if (ret)
		return error_set(err, -ret, "%s/proc/iomem: %s", root, strerror(-ret));
	if (!size)
		return 0;
	ret = iomem_parse((struct bytes){ (uint8_t *)text, size }, out, err);
	if (ret)
		error_prefix(err, "%s/proc/iomem", root);
	return ret;
}

/*
 * The map that a kernel without CONFIG_FIRMWARE_MEMMAP shows: its own view of it. RAM
 * that a driver manages is in no firmware's map: the next kernel gets it from that driver.
 */
static int e820_from_iomem(const struct iomem *m, struct e820_map *out)
{
	for (size_t i = 0; i < m->map.count; i++) {
		const struct boot_e820_entry *e = &m->map.entries[i];
		struct range r = { e->addr, e->addr + e->size };
		int ret;

		if (e->type == E820_RAM && !ranges_contain(&m->ram, r))
			continue;
		ret = e820_add(out, r.start, r.end - 1, e->type);
		if (ret)
			return ret;
	}
	e820_sort(out);
	e820_merge(out);
	return 0;
}

static int read_e820(const char *root, const struct iomem *m, struct facts *f,
		     struct error *err)
{
	const struct boot_params *bp = f->has_boot_params ? &f->boot_params : NULL;
	int ret = memmap_read(root, &f->e820, err);

	if (ret)
		return ret;
	if (!f->e820.count && m->hidden)
		return error_set(
			err, ENOENT,
			"no memory map: %s/sys/firmware/memmap is not there, and "
			"%s/proc/iomem is not either, or shows no addresses (to root it does)",
			root, root);
	if (!f->e820.count) {
		ret = e820_from_iomem(m, &f->e820);
		if (ret)
			return error_set(err, -ret, "memory map: %s", e820_strerror(ret));
	}
	e820_resolve_unknown(&f->e820, bp);
	return 0;
}

/* Of two regions the upper one is what the kernel loads a crash image into. */
static void take_crash(const struct iomem *m, struct facts *f)
{
	if (m->crash_count == 1) {
		f->crash = m->crash[0];
	} else if (m->crash_count == 2) {
		bool swapped = m->crash[0].start > m->crash[1].start;

		f->crash = m->crash[swapped ? 0 : 1];
		f->crash_low = m->crash[swapped ? 1 : 0];
	}
}

static int find_ram(const struct iomem *m, struct facts *f, struct error *err)
{
	int ret = ram_find(&f->e820, m, &f->ram);

	if (ret)
		return error_set(err, -ret, "memory map: %s", e820_strerror(ret));
	if (!f->ram.count)
		return error_set(
			err, ENODATA,
			"memory map: firmware and kernel agree on no RAM at all");
	return 0;
}

static int read_memory(const char *root, struct facts *f, struct error *err)
{
	struct iomem m;
	int ret = read_iomem(root, &m, err);

	if (ret)
		return ret;
	ret = read_e820(root, &m, f, err);
	if (!ret)
		ret = find_ram(&m, f, err);
	if (!ret) {
		take_crash(&m, f);
		f->iomem = m.map;
		m.map = (struct e820_map){ 0 };
		e820_resolve_unknown(&f->iomem,
				     f->has_boot_params ? &f->boot_params : NULL);
	}
	iomem_free(&m);
	return ret;
}

/* One line: first and last byte in hexadecimal. */
static bool parse_cma(struct bytes line, struct range *out)
{
	struct bytes first;
	uint64_t last;

	if (!text_cut(&line, '-', &first) || !text_hex(first, &out->start) ||
	    !text_hex(line, &last) || last == UINT64_MAX)
		return false;
	out->end = last + 1;
	return out->start < out->end;
}

static int read_cma(const char *root, struct facts *f, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct bytes rest, line;
	const char *name;
	struct range r;
	size_t size;
	int ret =
		kexec_sysfs_read(root, KEXEC_SYSFS_CRASH_CMA_RANGES, &name, &text, &size);

	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s%s: %s", root, name, strerror(-ret));
	if (ret)
		return 0;
	rest = (struct bytes){ (uint8_t *)text, size };
	while (text_cut(&rest, '\n', &line)) {
		if (!parse_cma(line, &r))
			return error_set(err, EINVAL, "%s%s: no range of memory", root,
					 name);
		if (ranges_add(&f->crash_cma, r))
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int read_cmdline(const char *root, struct facts *f, struct error *err)
{
	size_t size;
	int ret;

	ret = slurp_below(root, "/proc/cmdline", CMDLINE_SIZE_MAX, &f->cmdline, &size);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return error_set(err, -ret, "%s/proc/cmdline: %s", root, strerror(-ret));
	if (size && f->cmdline[size - 1] == '\n')
		f->cmdline[size - 1] = '\0';
	return 0;
}

/* As setup_efi_state() in arch/x86/kernel/kexec-bzimage64.c chooses. */
static uint64_t choose_rsdp(const struct facts *f)
{
	if (f->has_boot_params && f->boot_params.acpi_rsdp_addr)
		return f->boot_params.acpi_rsdp_addr;
	return f->efi.acpi20 ? f->efi.acpi20 : f->efi.acpi;
}

static int read_all(const char *root, struct facts *f, struct error *err)
{
	int ret;

	ret = read_boot_params(root, f, err);
	if (!ret)
		ret = read_memory(root, f, err);
	if (!ret)
		ret = read_cma(root, f, err);
	if (!ret)
		ret = efi_read(root, f->has_boot_params ? &f->boot_params : NULL, &f->efi,
			       err);
	if (!ret)
		ret = read_cmdline(root, f, err);
	if (!ret)
		ret = cpu_read(root, &f->cpu, err);
	if (ret)
		return ret;
	f->rsdp = choose_rsdp(f);
	vmgenid_read(root, f, &f->vmgenid);
	return 0;
}

int facts_read(const char *root, struct facts *out, struct error *err)
{
	int ret;

	*out = (struct facts){ 0 };
	ret = read_all(root, out, err);
	if (ret)
		facts_free(out);
	return ret;
}

void facts_free(struct facts *f)
{
	e820_free(&f->e820);
	e820_free(&f->iomem);
	ranges_free(&f->ram);
	ranges_free(&f->crash_cma);
	efi_free(&f->efi);
	free(f->cmdline);
	*f = (struct facts){ 0 };
}
