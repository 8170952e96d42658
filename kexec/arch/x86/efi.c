// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/efi.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "machine/sysfs_table.h"

#include <errno.h>
#include <string.h>

#define EFI_DIR "/sys/firmware/efi"

/* Loader signature of 64-bit EFI (Documentation/arch/x86/zero-page.rst, efi_info). */
#define EFI_LOADER_64 "EL64"
#define EFI_LOADER_32 "EL32"

#define EFI_RUNTIME_MAP_MAX 4096 /* entries; real ones have dozens */
#define EFI_DESC_SIZE_MAX   512	 /* bytes; real ones have 40 or 48 */

/* The kernel's address for a missing table. */
#define EFI_NO_TABLE UINT64_MAX

static void take_table(struct bytes value, uint64_t *out)
{
	uint64_t addr;

	if (text_hex(value, &addr) && addr != EFI_NO_TABLE)
		*out = addr;
}

void efi_parse_systab(struct bytes text, struct efi *efi)
{
	struct bytes line, value;

	while (text_cut(&text, '\n', &line)) {
		if (text_starts(line, "ACPI20=", &value))
			take_table(value, &efi->acpi20);
		else if (text_starts(line, "ACPI=", &value))
			take_table(value, &efi->acpi);
		else if (text_starts(line, "SMBIOS=", &value))
			take_table(value, &efi->smbios);
	}
}

static bool has_loader(const struct boot_params *bp, const char *signature)
{
	return bp && !memcmp(&bp->efi_info.efi_loader_signature, signature, 4);
}

/* Each kernel that was booted through EFI has this file, for root. */
static int read_systab(const char *root, const struct boot_params *bp, struct efi *efi,
		       struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int ret = file_slurp_in(root, EFI_DIR "/systab", 4096, &text, &size);

	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s" EFI_DIR "/systab: %s", root,
				 errno_text(-ret));
	if (!ret)
		efi_parse_systab((struct bytes){ (uint8_t *)text, size }, efi);
	else if (has_loader(bp, EFI_LOADER_64) || has_loader(bp, EFI_LOADER_32))
		efi->unreadable = ret;
	return 0;
}

/* True only if both boot loader and kernel report 64-bit firmware. */
static int read_64bit(const char *root, const struct boot_params *bp, bool *is_64bit,
		      struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int ret;

	*is_64bit = false;
	if (!has_loader(bp, EFI_LOADER_64))
		return 0;
	ret = file_slurp_in(root, EFI_DIR "/fw_platform_size", 4096, &text, &size);
	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s" EFI_DIR "/fw_platform_size: %s", root,
				 errno_text(-ret));
	*is_64bit = !ret && text_equals(text_trim(text_from(text)), "64");
	return 0;
}

static int read_descriptor(const char *dir, uint32_t number, uint8_t *out,
			   struct error *err)
{
	struct efi_descriptor d = { 0 };
	uint64_t type;
	int ret;

	ret = sysfs_table_hex(dir, number, "type", &type, err);
	if (!ret)
		ret = sysfs_table_hex(dir, number, "phys_addr", &d.phys_addr, err);
	if (!ret)
		ret = sysfs_table_hex(dir, number, "virt_addr", &d.virt_addr, err);
	if (!ret)
		ret = sysfs_table_hex(dir, number, "num_pages", &d.num_pages, err);
	if (!ret)
		ret = sysfs_table_hex(dir, number, "attribute", &d.attribute, err);
	if (!ret && type > UINT32_MAX)
		ret = error_set(err, EINVAL, "%s/%u/type: more than 32 bits", dir,
				number);
	if (ret)
		return ret;
	d.type = (uint32_t)type;
	memcpy(out, &d, sizeof(d));
	return 0;
}

static bool is_forbidden(int ret)
{
	return ret == -EACCES || ret == -EPERM;
}

static int read_descriptors(const char *dir, const uint32_t *numbers, size_t count,
			    struct efi *efi, struct error *err)
{
	_cleanup_free_ uint8_t *map = calloc(count, efi->desc_size);

	if (!map)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		int ret = read_descriptor(dir, numbers[i], map + i * efi->desc_size, err);

		if (is_forbidden(ret)) {
			err->text[0] = '\0'; /* not an error */
			return 0;
		}
		if (ret)
			return ret;
	}
	efi->runtime_map = take_ptr(map);
	efi->runtime_map_size = count * efi->desc_size;
	return 0;
}

/* The kernel exports the map only while runtime services are available. */
static int read_runtime_map(const char *root, struct efi *efi, struct error *err)
{
	_cleanup_free_ uint32_t *numbers = NULL;
	_cleanup_free_ char *dir = NULL;
	size_t count = 0;
	int ret;

	if (asprintf(&dir, "%s" EFI_DIR "/runtime-map", root) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = sysfs_table_list(dir, "", EFI_RUNTIME_MAP_MAX, &numbers, &count);
	if (ret == -ENOENT || (!ret && !count)) {
		efi->present = false;
		return 0;
	}
	if (is_forbidden(ret))
		return 0;
	if (ret)
		return error_set(err, -ret, "%s: %s", dir, memory_map_strerror(ret));
	return read_descriptors(dir, numbers, count, efi, err);
}

static int take_desc_size(const struct boot_params *bp, struct efi *efi,
			  struct error *err)
{
	size_t size = bp->efi_info.efi_memdesc_size;

	if (size < sizeof(struct efi_descriptor) || size > EFI_DESC_SIZE_MAX || size % 8)
		return error_set(
			err, EINVAL,
			"boot_params: %zu bytes cannot be an EFI memory descriptor",
			size);
	efi->desc_size = size;
	return 0;
}

/* Reads the data for SETUP_EFI; sets @efi->present if it is complete. */
static int read_runtime(const char *root, const struct boot_params *bp, struct efi *efi,
			struct error *err)
{
	bool is_64bit;
	int ret;

	ret = read_64bit(root, bp, &is_64bit, err);
	if (ret || !is_64bit || !bp->efi_info.efi_memmap_size)
		return ret;
	ret = sysfs_file_hex(root, EFI_DIR "/fw_vendor", &efi->fw_vendor, err);
	if (!ret)
		ret = sysfs_file_hex(root, EFI_DIR "/config_table", &efi->config_table,
				     err);
	if (ret == -EINVAL || file_is_trouble(ret))
		return ret;
	if (ret) /* not exported */
		return 0;
	ret = take_desc_size(bp, efi, err);
	if (ret)
		return ret;
	efi->present = true;
	return read_runtime_map(root, efi, err);
}

int efi_read(const char *root, const struct boot_params *bp, struct efi *out,
	     struct error *err)
{
	int ret;

	*out = (struct efi){ 0 };
	ret = read_systab(root, bp, out, err);
	if (!ret)
		ret = read_runtime(root, bp, out, err);
	if (ret)
		efi_free(out);
	return ret;
}

void efi_free(struct efi *efi)
{
	free(efi->runtime_map);
	*efi = (struct efi){ 0 };
}
