// SPDX-License-Identifier: GPL-2.0-only
#include "machine/machine.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "machine/acpi_tables.h"
#include "machine/kexec_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* In bytes, far above real machines: files in /proc have no size in advance. */
#define IOMEM_SIZE_MAX	 ((size_t)16 << 20)
#define CMDLINE_SIZE_MAX ((size_t)1 << 20)

/* The purgatory's map ends here. */
#define ADDR_BITS  47
#define ADDR_LIMIT ((uint64_t)1 << ADDR_BITS)

/* A missing /proc/iomem counts as one that hides its addresses. */
static int read_iomem(const char *root, struct iomem *out, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int ret;

	*out = (struct iomem){ .hidden = true };
	ret = file_slurp_in(root, "/proc/iomem", IOMEM_SIZE_MAX, &text, &size);
	if (ret == -ENOENT || ret == -EACCES)
		return 0;
	if (ret)
		return error_set(err, -ret, "%s/proc/iomem: %s", root, errno_text(-ret));
	if (!size)
		return 0;
	ret = iomem_parse((struct bytes){ (uint8_t *)text, size }, out, err);
	if (ret)
		error_prefix(err, "%s/proc/iomem", root);
	return ret;
}

static int add_firmware_ram(const struct memory_map *firmware, struct ranges *out)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < firmware->count; i++) {
			const struct memory_entry *e = &firmware->entries[i];
			struct range r = { e->addr, e->addr + e->size };
			int ret = 0;

			if (pass == 0 && e->type == MEMORY_RAM)
				ret = ranges_add(out, r);
			else if (pass == 1 && e->type != MEMORY_RAM)
				ret = ranges_remove(out, r);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* Removes the gaps between @keep's members from @set. */
static int intersect(struct ranges *set, const struct ranges *keep)
{
	uint64_t end = 0;

	for (size_t i = 0; i < keep->count; i++) {
		int ret = ranges_remove(set, (struct range){ end, keep->items[i].start });

		if (ret)
			return ret;
		end = keep->items[i].end;
	}
	return ranges_remove(set, (struct range){ end, UINT64_MAX });
}

static void keep_whole_pages(struct ranges *set, uint64_t page)
{
	size_t used = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct range r = set->items[i];

		if (__builtin_add_overflow(r.start, page - 1, &r.start))
			continue;
		r.start = align_down(r.start, page);
		r.end = align_down(r.end, page);
		if (r.start < r.end)
			set->items[used++] = r;
	}
	set->count = used;
}

static int find_ram(const struct memory_map *firmware, const struct iomem *iomem,
		    struct ranges *out)
{
	int ret = add_firmware_ram(firmware, out);

	if (!ret && !iomem->hidden)
		ret = intersect(out, &iomem->ram);
	for (size_t i = 0; !ret && i < iomem->crash_count; i++)
		ret = ranges_remove(out, iomem->crash[i]);
	return ret;
}

int machine_find_ram(const struct memory_map *firmware, const struct iomem *iomem,
		     uint64_t page, struct ranges *out, struct error *err)
{
	int ret = find_ram(firmware, iomem, out);

	if (ret) {
		ranges_free(out);
		return error_set(err, -ret, "memory map: %s", memory_map_strerror(ret));
	}
	keep_whole_pages(out, page);
	return 0;
}

/* The kernel loads crash images into the upper one of two regions. */
static void take_crash(const struct iomem *iomem, struct machine *m)
{
	if (iomem->crash_count == 1) {
		m->crash = iomem->crash[0];
	} else if (iomem->crash_count == 2) {
		bool swapped = iomem->crash[0].start > iomem->crash[1].start;

		m->crash = iomem->crash[swapped ? 0 : 1];
		m->crash_low = iomem->crash[swapped ? 1 : 0];
	}
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

int machine_read_cma(const char *root, struct machine *m, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct bytes rest, line;
	const char *name;
	struct range r;
	size_t size;
	int ret =
		kexec_sysfs_read(root, KEXEC_SYSFS_CRASH_CMA_RANGES, &name, &text, &size);

	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s%s: %s", root, name, errno_text(-ret));
	if (ret)
		return 0;
	rest = (struct bytes){ (uint8_t *)text, size };
	while (text_cut(&rest, '\n', &line)) {
		if (!parse_cma(line, &r))
			return error_set(err, EINVAL, "%s%s: not a memory range", root,
					 name);
		if (ranges_add(&m->crash_cma, r))
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

int machine_read_cmdline(const char *root, struct machine *m, struct error *err)
{
	size_t size;
	int ret;

	ret = file_slurp_in(root, "/proc/cmdline", CMDLINE_SIZE_MAX, &m->cmdline, &size);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return error_set(err, -ret, "%s/proc/cmdline: %s", root,
				 errno_text(-ret));
	if (size && m->cmdline[size - 1] == '\n')
		m->cmdline[size - 1] = '\0';
	return 0;
}

/* A driver's directory has a link to each of its devices, and one to its module. */
static bool has_device(const char *root, const char *driver)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_free_ char *path = NULL;
	const struct dirent *d;

	if (asprintf(&path, "%s/sys/bus/%s/drivers/vmgenid", root, driver) < 0)
		return false;
	dir = opendir(path);
	while (dir && file_next(dir, &d) > 0) {
		struct stat st;

		if (strcmp(d->d_name, "module") != 0 &&
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode))
			return true;
	}
	return false;
}

bool machine_has_genid_driver(const char *root)
{
	return has_device(root, "platform") /* since v6.10 */ || has_device(root, "acpi");
}

static void find_vmgenid(const char *root, struct machine *m)
{
	const struct phys_mem mem = { .read = phys_mem_read,
				      .root = root,
				      .firmware = &m->firmware,
				      .iomem = &m->iomem };

	bool acpi;

	acpi_tables_find_vmgenid(&mem, &m->vmgenid);
	acpi = m->vmgenid.state != VMGENID_ABSENT;
	if (!acpi) /* a kernel with ACPI has no other description */
		arch_find_vmgenid(m, &m->vmgenid);
	machine_check_vmgenid(m, &m->vmgenid);
	if (acpi && m->vmgenid.state == VMGENID_FOUND && machine_has_genid_driver(root) &&
	    phys_mem_is_unmapped(root, m->vmgenid.addr))
		snprintf(
			m->vmgenid.note, sizeof(m->vmgenid.note),
			"the kernel's driver does not have the VM generation ID at %#llx",
			(unsigned long long)m->vmgenid.addr);
}

int machine_has_memory_devices(const char *root, struct error *err)
{
	static const char devices[] = "/sys/bus/acpi/devices";
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_free_ char *path = NULL;
	const struct dirent *d;
	int ret;

	if (asprintf(&path, "%s%s", root, devices) < 0)
		return error_set(err, ENOMEM, "out of memory");
	dir = opendir(path);
	ret = dir ? 1 : -errno;
	while (ret > 0) {
		ret = file_next(dir, &d);
		/* ACPI specification 6.5, section 9.11: memory devices */
		if (ret > 0 && text_starts(text_from(d->d_name), "PNP0C80:", NULL))
			return 1;
	}
	return file_is_trouble(ret)
		       ? error_set(err, -ret, "%s: %s", path, errno_text(-ret))
		       : 0;
}

/* The map becomes that of @m. */
static void take_iomem(struct iomem *iomem, struct machine *m)
{
	m->iomem = iomem->map;
	iomem->map = (struct memory_map){ 0 };
	take_crash(iomem, m);
}

static int read_all(const char *root, struct iomem *iomem, struct machine *m,
		    struct error *err)
{
	int ret = read_iomem(root, iomem, err);

	if (!ret)
		ret = arch_machine_read(root, iomem, m, err);
	if (ret)
		return ret;
	memcpy(m->kernel_memory, iomem->kernel_memory, sizeof(m->kernel_memory));
	take_iomem(iomem, m);
	find_vmgenid(root, m);
	return 0;
}

int machine_read(const char *root, struct machine *out, struct error *err)
{
	struct iomem iomem = { 0 };
	int ret;

	*out = (struct machine){ 0 };
	ret = read_all(root, &iomem, out, err);
	iomem_free(&iomem);
	if (ret)
		machine_free(out);
	return ret;
}

int machine_read_iomem(const char *root, struct machine *out, struct error *err)
{
	struct iomem iomem;
	int ret = read_iomem(root, &iomem, err);

	*out = (struct machine){ 0 };
	if (!ret)
		take_iomem(&iomem, out);
	iomem_free(&iomem);
	return ret;
}

void machine_check_vmgenid(const struct machine *m, struct vmgenid *v)
{
	uint64_t limit = ADDR_LIMIT, start = v->addr, end;
	const char *problem = NULL;

	if (v->state != VMGENID_FOUND)
		return;
	if (m->physical_bits && m->physical_bits < ADDR_BITS)
		limit = (uint64_t)1 << m->physical_bits;
	if (!start)
		problem = "has not been filled in";
	else if (start % 8)
		problem = "is not aligned to 8 bytes";
	else if (__builtin_add_overflow(start, VMGENID_SIZE, &end) || end > limit)
		problem = "is beyond the CPU's address space";
	else if (!memory_set_aside(&m->firmware, &m->iomem, start, end))
		problem = "is in memory that the kernel uses";
	if (!problem)
		return;
	v->state = VMGENID_BAD_ADDRESS;
	v->addr = 0;
	snprintf(v->why, sizeof(v->why), "address %#llx %s", (unsigned long long)start,
		 problem);
}

void machine_free(struct machine *m)
{
	arch_machine_free(m);
	memory_map_free(&m->firmware);
	memory_map_free(&m->iomem);
	ranges_free(&m->ram);
	ranges_free(&m->crash_cma);
	notes_free(&m->notes);
	free(m->cmdline);
	*m = (struct machine){ 0 };
}
