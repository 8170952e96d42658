// SPDX-License-Identifier: GPL-2.0-only
/* What facts_read() makes of captured machines. */
#include "machine/e820.h"
#include "machine/efi.h"
#include "machine/facts.h"

#include "check.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static struct facts read_machine(const char *root)
{
	struct error err = { "" };
	struct facts f;

	assert_int_equal(facts_read(root, &f, &err), 0);
	assert_string_equal(err.text, "");
	return f;
}

static void assert_map(const struct e820_map *map, const struct boot_e820_entry *expected,
		       size_t count)
{
	assert_int_equal(map->count, count);
	assert_memory_equal(map->entries, expected, count * sizeof(*expected));
}

static void assert_ranges(const struct ranges *set, const struct range *expected,
			  size_t count)
{
	assert_int_equal(set->count, count);
	assert_memory_equal(set->items, expected, count * sizeof(*expected));
}

static void test_bios_1g(void **state)
{
	static const struct boot_e820_entry e820[] = {
		{ 0x0, 0x9fc00, E820_RAM },
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 0xf0000, 0x10000, E820_RESERVED },
		{ 0x100000, 0x3fee0000, E820_RAM },
		{ 0x3ffe0000, 0x20000, E820_RESERVED },
		{ 0xfffc0000, 0x40000, E820_RESERVED },
		{ 0xfd00000000, 0x300000000, E820_RESERVED },
	};
	static const struct boot_e820_entry iomem[] = {
		{ 0x0, 0x1000, E820_RESERVED },
		{ 0x1000, 0x9ec00, E820_RAM },
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 0xf0000, 0x10000, E820_RESERVED },
		{ 0x100000, 0x3fee0000, E820_RAM },
		{ 0x3ffe0000, 0x20000, E820_RESERVED },
		{ 0xfffc0000, 0x40000, E820_RESERVED },
		{ 0xfd00000000, 0x300000000, E820_RESERVED },
	};
	/* page 0 is RAM for the firmware only, and 0x9fc00 is not where a page ends */
	static const struct range ram[] = {
		{ 0x1000, 0x9f000 },
		{ 0x100000, 0x3ffe0000 },
	};
	struct facts f = read_machine(MACHINES "/bios-1g");

	(void)state;
	assert_map(&f.e820, e820, COUNT(e820));
	assert_map(&f.iomem, iomem, COUNT(iomem));
	assert_ranges(&f.ram, ram, COUNT(ram));
	assert_int_equal(range_size(f.crash), 0);
	assert_int_equal(range_size(f.crash_low), 0);
	assert_true(f.has_boot_params);
	assert_memory_equal(&f.boot_params.hdr.header, "HdrS", 4);
	assert_int_equal(f.boot_params.e820_entries, COUNT(e820));
	assert_false(f.efi.present);
	assert_null(f.efi.runtime_map);
	assert_int_equal(f.rsdp, 0xf59d0); /* the kernel's decompressor has found it */
	assert_false(f.cpu.la57);
	assert_false(f.cpu.gbpages);
	assert_int_equal(f.cpu.physical_bits, 40);
	assert_string_equal(f.cmdline, "console=ttyS0 quiet");
	facts_free(&f);
	assert_null(f.cmdline);
	facts_free(&f); /* harmless */
}

static void test_bios_8g_hole(void **state)
{
	static const struct range ram[] = {
		{ 0x1000, 0x9f000 },
		{ 1 * MIB, 3 * GIB - 128 * 1024 },
		{ 4 * GIB, 9 * GIB },
	};
	struct facts f = read_machine(MACHINES "/bios-8g-hole");

	(void)state;
	assert_int_equal(f.e820.count, 8);
	assert_ranges(&f.ram, ram, COUNT(ram));
	assert_true(f.cpu.la57);
	assert_true(f.cpu.gbpages);
	facts_free(&f);
}

static void test_crash_regions(void **state)
{
	static const struct range below[] = {
		{ 0x1000, 0x9f000 },
		{ 1 * MIB, 0x2f000000 },
		{ 0x3f000000, 0x3ffe0000 },
	};
	static const struct range both[] = {
		{ 0x1000, 0x9f000 },	    { 1 * MIB, 0xaf000000 },
		{ 0xbf000000, 0xbffe0000 }, { 4 * GIB, 0x19f000000 },
		{ 0x1bf000000, 7 * GIB },
	};
	struct facts f = read_machine(MACHINES "/crash-256m");

	(void)state;
	assert_int_equal(f.crash.start, 0x2f000000);
	assert_int_equal(range_size(f.crash), 256 * MIB);
	assert_int_equal(range_size(f.crash_low), 0);
	assert_ranges(&f.ram, below, COUNT(below));
	facts_free(&f);

	f = read_machine(MACHINES "/crash-high");
	assert_int_equal(f.crash.start, 0x19f000000);
	assert_int_equal(range_size(f.crash), 512 * MIB);
	assert_int_equal(f.crash_low.start, 0xaf000000);
	assert_int_equal(range_size(f.crash_low), 256 * MIB);
	assert_ranges(&f.ram, both, COUNT(both));
	facts_free(&f);
}

static void test_efi(void **state)
{
	struct efi_descriptor first;
	struct facts f = read_machine(MACHINES "/efi-1g");

	(void)state;
	assert_true(f.efi.present);
	assert_int_equal(f.efi.fw_vendor, 0x3f52aa18);
	assert_int_equal(f.efi.config_table, 0x3f5ebc98);
	assert_int_equal(f.efi.smbios, 0x3f520000);
	assert_int_equal(f.efi.acpi20, 0x3f77d014);
	assert_int_equal(f.efi.acpi, 0x3f77d000);
	assert_int_equal(f.rsdp, 0x3f77d014);
	assert_int_equal(f.efi.desc_size, 48);
	assert_int_equal(f.efi.runtime_map_size, 7 * 48);
	memcpy(&first, f.efi.runtime_map, sizeof(first));
	assert_int_equal(first.type, 0xb);
	assert_int_equal(first.phys_addr, 0xffc00000);
	assert_int_equal(first.virt_addr, 0xfffffffeffc00000);
	assert_int_equal(first.num_pages, 0x400);
	assert_int_equal(first.attribute, 0x8000000000000001);
	assert_int_equal(first.pad, 0);
	/* three pieces for the kernel, which keeps setup_data apart; one for us */
	assert_true(ranges_contain(&f.ram, (struct range){ 0x900000, 0x3eaa0000 }));
	facts_free(&f);
}

/* A capture with some things different: links to its folders, and files of our own. */
static void overlay(const struct tree *t, const char *machine, const char *folder)
{
	char from[512], to[128];

	snprintf(from, sizeof(from), "%s/%s/%s", MACHINES, machine, folder);
	snprintf(to, sizeof(to), "%s/%s", t->root, folder);
	assert_int_equal(symlink(from, to), 0);
}

/* What somebody without privileges sees: enough for a dry run. */
static void test_hidden_addresses(void **state)
{
	struct facts f, whole = read_machine(MACHINES "/bios-8g-hole");
	struct tree t;

	(void)state;
	tree_make(&t);
	overlay(&t, "bios-8g-hole", "sys");
	tree_put(&t, "proc/iomem",
		 "00000000-00000000 : System RAM\n"
		 "  00000000-00000000 : Crash kernel\n");
	f = read_machine(t.root);
	assert_map(&f.e820, whole.e820.entries, whole.e820.count);
	assert_int_equal(f.iomem.count, 0);
	assert_int_equal(f.ram.count, 3);
	assert_int_equal(f.ram.items[0].start, 0); /* the firmware's word alone */
	assert_int_equal(range_size(f.crash), 0);
	assert_null(f.cmdline);
	assert_int_equal(f.cpu.physical_bits, 0);
	facts_free(&f);
	facts_free(&whole);
	tree_remove(&t, "");
}

/* A kernel without CONFIG_FIRMWARE_MEMMAP: only /proc is there. */
static void test_map_from_iomem(void **state)
{
	static const struct boot_e820_entry e820[] = {
		{ 0x0, 0x1000, E820_RESERVED },
		{ 0x1000, 0x9f000, E820_RAM },
		{ 0x100000, 0x706000, E820_RAM },
		{ 0x806000, 0x2000, E820_NVS },
		{ 0x808000, 0x8000, E820_RAM },
		{ 0x810000, 0xf0000, E820_NVS },
		{ 0x900000, 0x3e1a0000, E820_RAM },
		{ 0x3eaa0000, 0x102000, E820_RESERVED },
		{ 0x3eba2000, 0x94a000, E820_RAM },
		{ 0x3f4ec000, 0x280000, E820_RESERVED },
		{ 0x3f76c000, 0x12000, E820_ACPI },
		{ 0x3f77e000, 0x80000, E820_NVS },
		{ 0x3f7fe000, 0x6f6000, E820_RAM },
		{ 0x3fef4000, 0x84000, E820_RESERVED },
		{ 0x3ff78000, 0x88000, E820_NVS },
		{ 0xb0000000, 0x10000000, E820_RESERVED },
	};
	struct facts f;
	struct tree t;

	(void)state;
	tree_make(&t);
	overlay(&t, "efi-1g", "proc");
	f = read_machine(t.root);
	assert_map(&f.e820, e820, COUNT(e820));
	assert_false(f.has_boot_params);
	assert_false(f.efi.present);
	assert_int_equal(f.rsdp, 0);
	facts_free(&f);
	tree_remove(&t, "");
}

/* In a map so made, RAM that a driver manages is not: that gives it to the next kernel. */
static void test_managed_ram_is_not_in_the_map(void **state)
{
	static const struct boot_e820_entry e820[] = { { 0x100000, 0x100000, E820_RAM } };
	struct facts f;
	struct tree t;

	(void)state;
	tree_make(&t);
	tree_put(&t, "proc/iomem",
		 "00100000-001fffff : System RAM\n"
		 "00200000-002fffff : System RAM (kmem)\n"
		 "40000000-4fffffff : 0000:00:05.0\n"
		 "  40000000-47ffffff : System RAM (virtio_mem)\n");
	f = read_machine(t.root);
	assert_map(&f.e820, e820, COUNT(e820));
	assert_int_equal(f.iomem.count, 3); /* a dump has it all */
	facts_free(&f);
	tree_remove(&t, "");
}

/* crashkernel=X,cma, in the words of the kernel. */
static void test_cma(void **state)
{
	static const char before[] = "sys/kernel/kexec_crash_cma_ranges";
	static const char path[] = "sys/kernel/kexec/crash_cma_ranges";
	static const char *const bad[] = { "\n",
					   "rubbish\n",
					   "36000000\n",
					   "36000000-\n",
					   "36000000-35ffffff\n",
					   "36000000-3dffffff x\n",
					   "00000000-ffffffffffffffff\n" };
	static const struct range ranges[] = { { 0x36000000, 0x3e000000 },
					       { 4 * GIB, 5 * GIB } };
	struct error err;
	struct facts f;
	struct tree t;

	(void)state;
	tree_make(&t);
	tree_put(&t, "proc/iomem", "00100000-3fffffff : System RAM\n");
	tree_put(&t, before, "36000000-3dffffff\n100000000-13fffffff\n");
	f = read_machine(t.root);
	assert_ranges(&f.crash_cma, ranges, COUNT(ranges));
	facts_free(&f);
	tree_put(&t, path, ""); /* counts more than the other name */
	f = read_machine(t.root);
	assert_int_equal(f.crash_cma.count, 0);
	facts_free(&f);
	tree_put(&t, path, "36000000-3dffffff\n100000000-13fffffff\n");
	f = read_machine(t.root);
	assert_ranges(&f.crash_cma, ranges, COUNT(ranges));
	facts_free(&f);
	assert_null(f.crash_cma.items);
	for (size_t i = 0; i < COUNT(bad); i++) {
		tree_put(&t, path, bad[i]);
		assert_int_equal(facts_read(t.root, &f, &err), -EINVAL);
		assert_non_null(strstr(err.text, "crash_cma_ranges: no range of memory"));
	}
	tree_remove(&t, "");
}

static void test_many_entries(void **state)
{
	char command[1024];
	struct facts f;
	struct tree t;

	(void)state;
	tree_make(&t);
	snprintf(command, sizeof(command),
		 "sh '%s/make-many-e820' '%s/bios-8g-hole' '%s/many'", MACHINES, MACHINES,
		 t.root);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/many", t.root);
	f = read_machine(command);
	assert_int_equal(f.e820.count, 407);
	for (size_t i = 1; i < f.e820.count; i++)
		assert_true(f.e820.entries[i - 1].addr + f.e820.entries[i - 1].size <=
			    f.e820.entries[i].addr);
	assert_int_equal(f.ram.count, 202);
	assert_int_equal(ranges_total(&f.ram),
			 0x9e000 + (3 * GIB - 128 * 1024 - 1 * MIB) + 200 * 12 * MIB);
	facts_free(&f);
	tree_remove(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bios_1g),
		cmocka_unit_test(test_bios_8g_hole),
		cmocka_unit_test(test_crash_regions),
		cmocka_unit_test(test_efi),
		cmocka_unit_test(test_hidden_addresses),
		cmocka_unit_test(test_map_from_iomem),
		cmocka_unit_test(test_managed_ram_is_not_in_the_map),
		cmocka_unit_test(test_cma),
		cmocka_unit_test(test_many_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
