// SPDX-License-Identifier: GPL-2.0-only
/* machine_read() on files that no kernel should show. For EFI's see test_machine_efi.c. */
#include "machine_scene.h"

#include <errno.h>
#include <stdio.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(test_nothing_else_is_needed),
		MACHINE_TEST(test_no_map),
		MACHINE_TEST(test_no_ram),
		MACHINE_TEST(test_bad_iomem),
		MACHINE_TEST(test_bad_memmap),
		MACHINE_TEST(test_unknown_types),
		MACHINE_TEST(test_missing_memmap_files),
		MACHINE_TEST(test_huge_memmap_file),
		MACHINE_TEST(test_memmap_order_and_overlap),
		MACHINE_TEST(test_boot_params_of_another_size),
		MACHINE_TEST(test_unknown_type),
		MACHINE_TEST(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
