// SPDX-License-Identifier: GPL-2.0-only
/* machine_read() on files that no kernel should show. */
#include "arch/x86/efi.h"
#include "arch/x86/x86.h"
#include "machine/machine.h"
#include "machine/memory_map.h"

#include "check.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534

#define MEMMAP "sys/firmware/memmap"
#define EFI    "sys/firmware/efi"

/* A machine with 1 MiB of RAM at 1 MiB. */
static int make_machine(void **state)
{
	struct tree *t = malloc(sizeof(*t));

	assert_non_null(t);
	tree_make(t);
	tree_put_memmap(t, 0, 0x100000, 0x1fffff, "System RAM");
	tree_put(t, "proc/iomem", "00100000-001fffff : System RAM\n");
	*state = t;
	return 0;
}

static int remove_machine(void **state)
{
	tree_remove(*state, "");
	free(*state);
	return 0;
}

static struct machine read_machine(const struct tree *t)
{
	struct error err = { "" };
	struct machine m;

	assert_int_equal(machine_read(t->root, &m, &err), 0);
	assert_int_equal(machine_read_cmdline(t->root, &m, &err), 0);
	assert_string_equal(err.text, "");
	return m;
}

/* Reading fails with @code and a message that contains @words. */
static void assert_refused(const struct tree *t, int code, const char *words)
{
	struct error err = { "" };
	struct machine m;

	assert_int_equal(machine_read(t->root, &m, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	assert_null(m.firmware.entries);
	assert_null(m.iomem.entries);
	assert_null(m.ram.items);
	assert_null(m.arch);
	assert_null(m.crash_cma.items);
	assert_null(m.cmdline);
}

static void test_nothing_else_is_needed(void **state)
{
	struct machine m = read_machine(*state);

	assert_int_equal(m.firmware.count, 1);
	assert_int_equal(m.ram.count, 1);
	assert_false(m.arch->has_boot_params);
	assert_false(m.arch->efi.present);
	assert_null(m.cmdline);
	machine_free(&m);
}

static void test_no_map(void **state)
{
	const struct tree *t = *state;

	tree_remove(t, "sys");
	tree_put(t, "proc/iomem", "00000000-00000000 : System RAM\n");
	assert_refused(t, ENOENT, "no memory map");
	tree_put(t, "proc/iomem", "");
	assert_refused(t, ENOENT, "no memory map");
	tree_remove(t, "proc");
	assert_refused(t, ENOENT, "no memory map");
	tree_put(t, MEMMAP "/not-a-number", "");
	assert_refused(t, ENOENT, "no memory map");
	tree_remove(t, MEMMAP);
	tree_put(t, MEMMAP, "a file");
	assert_refused(t, ENOTDIR, MEMMAP);
}

static void test_no_ram(void **state)
{
	const struct tree *t = *state;

	tree_put(t, "proc/iomem", "00200000-002fffff : System RAM\n");
	assert_refused(t, ENODATA, "no RAM");
	tree_put(t, "proc/iomem", "00100000-001fffff : Reserved\n");
	assert_refused(t, ENODATA, "no RAM");
	tree_put(t, "proc/iomem",
		 "00100000-001fffff : System RAM\n"
		 "  00100000-001fffff : Crash kernel\n");
	assert_refused(t, ENODATA, "no RAM");
	/* not a whole page */
	tree_put(t, "proc/iomem", "00100001-00101ffe : System RAM\n");
	assert_refused(t, ENODATA, "no RAM");
	/* Rounding up would wrap its start to 0. */
	tree_put_memmap(t, 0, 0xfffffffffffff001, 0xfffffffffffffffe, "System RAM");
	tree_put(t, "proc/iomem", "fffffffffffff001-fffffffffffffffe : System RAM\n");
	assert_refused(t, ENODATA, "no RAM");
}

static void test_bad_iomem(void **state)
{
	const struct tree *t = *state;

	tree_put(t, "proc/iomem", "00100000-001fffff : System RAM\nrubbish\n");
	assert_refused(t, EINVAL, "/proc/iomem: line 2 is not a memory resource");
	tree_remove(t, "proc/iomem");
	tree_put(t, "proc/iomem/a-folder", "");
	assert_refused(t, EISDIR, "/proc/iomem: Is a directory");
}

static void test_bad_memmap(void **state)
{
	static const struct {
		const char *start, *end, *type;
		const char *words;
	} cases[] = {
		{ "rubbish\n", "0x2\n", "Reserved\n",
		  "/1/start: 'rubbish' is not a hexa" },
		{ "", "0x2\n", "Reserved\n", "/1/start: '' is not a hexadecimal number" },
		{ "0x1\n", "2 \n", "Reserved\n",
		  "/1/end: '2 ' is not a hexadecimal number" },
		{ "0x1\n", "0x10000000000000000\n", "Reserved\n", "/1/end: '0x1000" },
		{ "0x2000\n", "0x1ffe\n", "Reserved\n",
		  "/1: 0x2000-0x1ffe: not a possible" },
		{ "0x2000\n", "0xffffffffffffffff\n", "Reserved\n",
		  "not a possible range" },
		{ "0x1\n\x1b[2J", "0x2\n", "Reserved\n", "'0x1??[2J' is not a hexa" },
	};
	const struct tree *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		tree_put(t, MEMMAP "/1/start", cases[i].start);
		tree_put(t, MEMMAP "/1/end", cases[i].end);
		tree_put(t, MEMMAP "/1/type", cases[i].type);
		assert_refused(t, EINVAL, cases[i].words);
	}
}

/* A type that nobody knows is reserved, with a note, and stops nothing. */
static void test_unknown_types(void **state)
{
	static const struct {
		const char *type, *words;
	} cases[] = {
		{ "Something\n", "/1/type: 'Something' is not a known type" },
		{ "Some\x1b[2Jthing\n", "/1/type: 'Some?[2Jthing' is not a known type" },
		{ "", "/1/type: '' is not a known type" },
		{ "Reserved\n", NULL },
		{ "reserved\n", NULL }, /* Linux 4.11 and older */
		{ "Unknown E820 type\n", NULL },
	};
	const struct tree *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct machine m;

		tree_put_memmap(t, 1, 0x200000, 0x200fff, "");
		tree_put(t, MEMMAP "/1/type", cases[i].type);
		m = read_machine(t);
		assert_int_equal(m.firmware.count, 2);
		assert_int_equal(m.firmware.entries[1].type, MEMORY_RESERVED);
		assert_int_equal(m.notes.count, cases[i].words ? 1 : 0);
		if (cases[i].words)
			assert_non_null(strstr(m.notes.lines[0], cases[i].words));
		machine_free(&m);
	}
}

static void test_missing_memmap_files(void **state)
{
	static const char *const names[] = { "start", "end", "type" };
	const struct tree *t = *state;

	for (size_t i = 0; i < COUNT(names); i++) {
		char path[64];

		tree_put_memmap(t, 7, 0x2000, 0x2fff, "Reserved");
		snprintf(path, sizeof(path), MEMMAP "/7/%s", names[i]);
		tree_remove(t, path);
		assert_refused(t, ENOENT, path);
	}
}

static void test_huge_memmap_file(void **state)
{
	const struct tree *t = *state;
	char text[8192];

	memset(text, '0', sizeof(text));
	tree_put_bytes(t, MEMMAP "/0/start", text, sizeof(text));
	assert_refused(t, EFBIG, "/0/start: File too large");
}

static void test_memmap_order_and_overlap(void **state)
{
	const struct tree *t = *state;
	struct machine m;

	/* 10 sorts after 9; later entries may lie lower; one is empty. */
	tree_put_memmap(t, 0, 0x0, 0xfff, "Reserved");
	tree_put_memmap(t, 9, 0x400000, 0x4fffff, "System RAM");
	tree_put_memmap(t, 10, 0x100000, 0x2fffff, "System RAM");
	tree_put_memmap(t, 11, 0x180000, 0x1817ff, "ACPI Tables");
	tree_put_memmap(t, 12, 0x300000, 0x2fffff, "Reserved");
	tree_put(t, MEMMAP "/012/start", "skipped");
	tree_put(t, MEMMAP "/4294967296/start", "skipped");
	tree_put(t, "proc/iomem", "00001000-00ffffff : System RAM\n");
	m = read_machine(t);
	assert_int_equal(m.firmware.count, 4);
	assert_int_equal(m.firmware.entries[1].addr, 0x100000);
	assert_int_equal(m.firmware.entries[2].type, MEMORY_ACPI);
	assert_int_equal(m.firmware.entries[3].addr, 0x400000);
	/* Overlapping entries are not RAM. */
	assert_int_equal(m.ram.count, 3);
	assert_int_equal(m.ram.items[0].end, 0x180000);
	assert_int_equal(m.ram.items[1].start, 0x182000);
	machine_free(&m);
}

static void test_boot_params_of_another_size(void **state)
{
	const struct tree *t = *state;
	struct boot_params bp[2] = { 0 };
	struct machine m;

	bp[0].acpi_rsdp_addr = 0x1234;
	tree_put_bytes(t, "sys/kernel/boot_params/data", bp, sizeof(bp[0]));
	m = read_machine(t);
	assert_true(m.arch->has_boot_params);
	assert_int_equal(m.arch->rsdp, 0x1234);
	machine_free(&m);
	tree_put_bytes(t, "sys/kernel/boot_params/data", bp, sizeof(bp[0]) - 1);
	m = read_machine(t);
	assert_false(m.arch->has_boot_params);
	assert_int_equal(m.arch->rsdp, 0);
	machine_free(&m);
	tree_put_bytes(t, "sys/kernel/boot_params/data", bp, sizeof(bp[0]) + 1);
	m = read_machine(t);
	assert_false(m.arch->has_boot_params);
	machine_free(&m);
}

static void test_unknown_type(void **state)
{
	const struct tree *t = *state;
	struct boot_params bp = { .e820_entries = 1 };
	struct machine m;

	tree_put_memmap(t, 1, 0x2000, 0x2fff, "Unknown E820 type");
	tree_put(t, "proc/iomem",
		 "00002000-00002fff : Unknown E820 type\n"
		 "00100000-001fffff : System RAM\n");
	m = read_machine(t);
	assert_int_equal(m.firmware.entries[0].type, MEMORY_RESERVED);
	assert_int_equal(m.iomem.entries[0].type, MEMORY_RESERVED);
	machine_free(&m);
	bp.e820_table[0] = (struct boot_e820_entry){ 0x2000, 0x1000, 6 };
	tree_put_bytes(t, "sys/kernel/boot_params/data", &bp, sizeof(bp));
	m = read_machine(t);
	assert_int_equal(m.firmware.entries[0].type, 6);
	assert_int_equal(m.iomem.entries[0].type, 6);
	machine_free(&m);
}

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

static void test_cmdline(void **state)
{
	const struct tree *t = *state;
	struct machine m;
	struct error err;

	tree_put(t, "proc/cmdline", "root=/dev/vda1 quiet \n");
	m = read_machine(t);
	assert_string_equal(m.cmdline, "root=/dev/vda1 quiet ");
	machine_free(&m);
	tree_put(t, "proc/cmdline", "");
	m = read_machine(t);
	assert_string_equal(m.cmdline, "");
	machine_free(&m);
	tree_remove(t, "proc/cmdline");
	tree_put(t, "proc/cmdline/a-folder", "");
	assert_int_equal(machine_read(t->root, &m, &err), 0);
	assert_int_equal(machine_read_cmdline(t->root, &m, &err), -EISDIR);
	assert_non_null(strstr(err.text, "/proc/cmdline: Is a directory"));
	machine_free(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_else_is_needed),
		TEST(test_no_map),
		TEST(test_no_ram),
		TEST(test_bad_iomem),
		TEST(test_bad_memmap),
		TEST(test_unknown_types),
		TEST(test_missing_memmap_files),
		TEST(test_huge_memmap_file),
		TEST(test_memmap_order_and_overlap),
		TEST(test_boot_params_of_another_size),
		TEST(test_unknown_type),
		TEST(test_folder_cannot_be_read),
		TEST(test_efi_whole),
		TEST(test_efi_not_present),
		TEST(test_efi_bad),
		TEST(test_efi_many_entries),
		TEST(test_without_privileges),
		TEST(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
