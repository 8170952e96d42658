// SPDX-License-Identifier: GPL-2.0-only
/* machine_read() on the files of EFI: as they should be, missing, damaged, unreadable. */
#include "arch/x86/efi.h"
#include "machine_scene.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define NOBODY 65534

#define EFI "sys/firmware/efi"

static void put_boot_params(const struct tree *t, const char *signature,
			    uint32_t desc_size, uint32_t map_size)
{
	struct boot_params bp = { 0 };

	memcpy(&bp.efi_info.efi_loader_signature, signature, 4);
	bp.efi_info.efi_memdesc_size = desc_size;
	bp.efi_info.efi_memmap_size = map_size;
	tree_put_bytes(t, "sys/kernel/boot_params/data", &bp, sizeof(bp));
}

static void put_descriptor(const struct tree *t, unsigned int number, const char *type)
{
	static const char *const names[] = { "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	char path[64];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), EFI "/runtime-map/%u/%s", number, names[i]);
		tree_put(t, path, "0x1000\n");
	}
	snprintf(path, sizeof(path), EFI "/runtime-map/%u/type", number);
	tree_put(t, path, type);
}

static void put_efi(const struct tree *t)
{
	put_boot_params(t, "EL64", 48, 480);
	tree_put(t, EFI "/fw_platform_size", "64\n");
	tree_put(t, EFI "/fw_vendor", "0x111\n");
	tree_put(t, EFI "/config_table", "0x222\n");
	tree_put(t, EFI "/systab",
		 "ACPI20=0x1014\nACPI=0x1000\nSMBIOS3=0x3\nSMBIOS=0x4\n");
	put_descriptor(t, 0, "0x5\n");
	put_descriptor(t, 2, "0x6\n");
	put_descriptor(t, 10, "0x7\n");
}

static void assert_efi(const struct tree *t, bool present, size_t map_size)
{
	struct machine m = read_machine(t);

	assert_int_equal(m.arch->efi.present, present);
	assert_int_equal(m.arch->efi.runtime_map_size, map_size);
	assert_int_equal(m.arch->efi.runtime_map != NULL, map_size != 0);
	machine_free(&m);
}

/* A partly read folder must not pass for a whole one, nor an unreadable one for empty. */
static void test_folder_cannot_be_read(void **state)
{
	const struct tree *t = *state;
	int i = 0;

	put_efi(t);
	for (; i <= 3; i++) { /* ".", "..", "0" and the end */
		tree_readdir_fails(i);
		assert_refused(t, EIO, MEMMAP);
	}
	for (; i <= 3 + 6; i++) { /* the same with "0", "2", "10" */
		tree_readdir_fails(i);
		assert_refused(t, EIO, "runtime-map");
	}
	tree_readdir_fails(i);
	assert_efi(t, true, 3 * 48);
	tree_readdir_fails(-1);
}

static void test_efi_whole(void **state)
{
	const struct tree *t = *state;
	struct efi_descriptor last;
	struct machine m;

	put_efi(t);
	m = read_machine(t);
	assert_true(m.arch->efi.present);
	assert_int_equal(m.arch->efi.smbios, 4);
	assert_int_equal(m.arch->rsdp, 0x1014);
	memcpy(&last, m.arch->efi.runtime_map + 2 * 48, sizeof(last));
	assert_int_equal(last.type, 7);
	machine_free(&m);
	tree_put(t, EFI "/systab",
		 "ACPI20=0xffffffffffffffff\nACPI=0x1000\nACPI20=x\n=\n\n");
	m = read_machine(t);
	assert_int_equal(m.arch->efi.acpi20, 0);
	assert_int_equal(m.arch->efi.smbios, 0);
	assert_int_equal(m.arch->rsdp, 0x1000);
	machine_free(&m);
}

static void test_efi_not_present(void **state)
{
	const struct tree *t = *state;

	put_efi(t);
	put_boot_params(t, "EL32", 48, 480);
	assert_efi(t, false, 0);
	put_boot_params(t, "EL64", 48, 0);
	assert_efi(t, false, 0);
	put_boot_params(t, "EL64", 48, 480);
	assert_efi(t, true, 3 * 48);
	tree_put(t, EFI "/fw_platform_size", "32\n");
	assert_efi(t, false, 0);
	tree_put(t, EFI "/fw_platform_size", "64\n");
	tree_remove(t, EFI "/config_table");
	assert_efi(t, false, 0);
	tree_put(t, EFI "/config_table", "0x222\n");
	tree_remove(t, EFI "/fw_vendor");
	assert_efi(t, false, 0);
	tree_put(t, EFI "/fw_vendor", "0x111\n");
	tree_remove(t, EFI "/runtime-map"); /* efi=noruntime */
	assert_efi(t, false, 0);
	tree_put(t, EFI "/runtime-map/no-entry", "");
	assert_efi(t, false, 0);
	tree_remove(t, "sys/kernel");
	assert_efi(t, false, 0);
	tree_remove(t, EFI);
	assert_efi(t, false, 0);
}

static void test_efi_bad(void **state)
{
	static const uint32_t sizes[] = { 0, 39, 44, 41, 520, UINT32_MAX };
	const struct tree *t = *state;

	put_efi(t);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put_boot_params(t, "EL64", sizes[i], 480);
		assert_refused(t, EINVAL, "bytes cannot be an EFI memory descriptor");
	}
	put_boot_params(t, "EL64", 40, 480);
	assert_efi(t, true, 3 * 40);
	tree_put(t, EFI "/runtime-map/2/type", "0x100000000\n");
	assert_refused(t, EINVAL, "/runtime-map/2/type: more than 32 bits");
	tree_put(t, EFI "/runtime-map/2/type", "five\n");
	assert_refused(t, EINVAL, "/runtime-map/2/type: 'five' is not a hexa");
	tree_remove(t, EFI "/runtime-map/2/type");
	assert_refused(t, ENOENT, "/runtime-map/2/type: No such file");
	tree_put(t, EFI "/fw_vendor", "vendor\n");
	assert_refused(t, EINVAL, "/fw_vendor: 'vendor' is not a hexa");
	tree_put(t, EFI "/fw_vendor", "0x111\n");
	tree_remove(t, EFI "/runtime-map");
	tree_put(t, EFI "/runtime-map", "a file");
	assert_refused(t, ENOTDIR, "/runtime-map: Not a directory");
}

static void test_efi_many_entries(void **state)
{
	const struct tree *t = *state;
	char path[64];

	put_efi(t);
	for (unsigned int i = 100; i < 100 + 4096; i++) {
		snprintf(path, sizeof(path), EFI "/runtime-map/%u", i);
		tree_put(t, path, "");
	}
	assert_refused(t, E2BIG, "more entries than a machine can have");
}

/* Unprivileged readers get no root-only files, which is not an error. */
static void test_without_privileges(void **state)
{
	static const char *const secret[] = { EFI "/systab", EFI "/runtime-map/0/type",
					      "proc/iomem" };
	const struct tree *t = *state;
	struct machine m;

	put_efi(t);
	for (size_t i = 0; i < COUNT(secret); i++)
		tree_mode(t, secret[i], 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	assert_efi(t, true, 0);
	m = read_machine(t);
	assert_int_equal(m.arch->efi.fw_vendor, 0x111);
	assert_int_equal(m.arch->efi.acpi20, 0);
	assert_int_equal(m.arch->rsdp, 0);
	assert_int_equal(m.ram.count, 1);
	assert_int_equal(m.iomem.count, 0);
	machine_free(&m);
	assert_int_equal(seteuid(getuid()), 0);
	tree_mode(t, EFI "/runtime-map", 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	assert_efi(t, true, 0);
	assert_int_equal(seteuid(getuid()), 0);
	tree_mode(t, EFI "/runtime-map", 0755);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(test_folder_cannot_be_read),
		MACHINE_TEST(test_efi_whole),
		MACHINE_TEST(test_efi_not_present),
		MACHINE_TEST(test_efi_bad),
		MACHINE_TEST(test_efi_many_entries),
		MACHINE_TEST(test_without_privileges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
