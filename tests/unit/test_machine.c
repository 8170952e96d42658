// SPDX-License-Identifier: GPL-2.0-only
/* machine_read() on captured machines. */
#include "arch/x86/efi.h"
#include "arch/x86/x86.h"
#include "base/units.h"
#include "machine/machine.h"
#include "machine/memory_map.h"

#include "check.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct machine read_machine(const char *root)
{
	struct error err = { "" };
	struct machine m;

	assert_int_equal(machine_read(root, &m, &err), 0);
	assert_int_equal(machine_read_cma(root, &m, &err), 0);
	assert_int_equal(machine_read_cmdline(root, &m, &err), 0);
	assert_string_equal(err.text, "");
	return m;
}

static void assert_map(const struct memory_map *map, const struct memory_entry *expected,
		       size_t count)
{
	assert_int_equal(map->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(map->entries[i].addr, expected[i].addr);
		assert_int_equal(map->entries[i].size, expected[i].size);
		assert_int_equal(map->entries[i].type, expected[i].type);
	}
}

static void assert_ranges(const struct ranges *set, const struct range *expected,
			  size_t count)
{
	assert_int_equal(set->count, count);
	assert_memory_equal(set->items, expected, count * sizeof(*expected));
}

static void test_bios_1g(void **state)
{
	static const struct memory_entry e820[] = {
		{ 0x0, 0x9fc00, MEMORY_RAM },
		{ 0x9fc00, 0x400, MEMORY_RESERVED },
		{ 0xf0000, 0x10000, MEMORY_RESERVED },
		{ 0x100000, 0x3fee0000, MEMORY_RAM },
		{ 0x3ffe0000, 0x20000, MEMORY_RESERVED },
		{ 0xfffc0000, 0x40000, MEMORY_RESERVED },
		{ 0xfd00000000, 0x300000000, MEMORY_RESERVED },
	};
	static const struct memory_entry iomem[] = {
		{ 0x0, 0x1000, MEMORY_RESERVED },
		{ 0x1000, 0x9ec00, MEMORY_RAM },
		{ 0x9fc00, 0x400, MEMORY_RESERVED },
		{ 0xf0000, 0x10000, MEMORY_RESERVED },
		{ 0x100000, 0x3fee0000, MEMORY_RAM },
		{ 0x3ffe0000, 0x20000, MEMORY_RESERVED },
		{ 0xfffc0000, 0x40000, MEMORY_RESERVED },
		{ 0xfd00000000, 0x300000000, MEMORY_RESERVED },
	};
	/* Only firmware calls page 0 RAM, and no page ends at 0x9fc00. */
	static const struct range ram[] = {
		{ 0x1000, 0x9f000 },
		{ 0x100000, 0x3ffe0000 },
	};
	struct machine m = read_machine(MACHINES "/bios-1g");

	(void)state;
	assert_map(&m.firmware, e820, COUNT(e820));
	assert_map(&m.iomem, iomem, COUNT(iomem));
	assert_ranges(&m.ram, ram, COUNT(ram));
	assert_int_equal(range_size(m.crash), 0);
	assert_int_equal(range_size(m.crash_low), 0);
	assert_true(m.arch->has_boot_params);
	assert_memory_equal(&m.arch->boot_params.hdr.header, "HdrS", 4);
	assert_int_equal(m.arch->boot_params.e820_entries, COUNT(e820));
	assert_false(m.arch->efi.present);
	assert_null(m.arch->efi.runtime_map);
	assert_int_equal(m.arch->rsdp, 0xf59d0); /* found by the kernel's decompressor */
	assert_false(m.arch->cpu.la57);
	assert_false(m.arch->cpu.gbpages);
	assert_int_equal(m.arch->cpu.physical_bits, 40);
	assert_int_equal(m.physical_bits, 40);
	assert_false(m.large_pages);
	assert_int_equal(m.page_size, 4096);
	assert_string_equal(m.cmdline, "console=ttyS0 quiet");
	machine_free(&m);
	assert_null(m.cmdline);
	assert_null(m.arch);
	machine_free(&m); /* harmless */
}

static void test_bios_8g_hole(void **state)
{
	static const struct range ram[] = {
		{ 0x1000, 0x9f000 },
		{ 1 * MIB, 3 * GIB - 128 * 1024 },
		{ 4 * GIB, 9 * GIB },
	};
	struct machine m = read_machine(MACHINES "/bios-8g-hole");

	(void)state;
	assert_int_equal(m.firmware.count, 8);
	assert_ranges(&m.ram, ram, COUNT(ram));
	assert_true(m.arch->cpu.la57);
	assert_true(m.arch->cpu.gbpages);
	assert_true(m.large_pages);
	machine_free(&m);
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
	struct machine m = read_machine(MACHINES "/crash-256m");

	(void)state;
	assert_int_equal(m.crash.start, 0x2f000000);
	assert_int_equal(range_size(m.crash), 256 * MIB);
	assert_int_equal(range_size(m.crash_low), 0);
	assert_ranges(&m.ram, below, COUNT(below));
	machine_free(&m);

	m = read_machine(MACHINES "/crash-high");
	assert_int_equal(m.crash.start, 0x19f000000);
	assert_int_equal(range_size(m.crash), 512 * MIB);
	assert_int_equal(m.crash_low.start, 0xaf000000);
	assert_int_equal(range_size(m.crash_low), 256 * MIB);
	assert_ranges(&m.ram, both, COUNT(both));
	machine_free(&m);
}

static void test_efi(void **state)
{
	struct efi_descriptor first;
	struct machine m = read_machine(MACHINES "/efi-1g");

	(void)state;
	assert_true(m.arch->efi.present);
	assert_int_equal(m.arch->efi.fw_vendor, 0x3f52aa18);
	assert_int_equal(m.arch->efi.config_table, 0x3f5ebc98);
	assert_int_equal(m.arch->efi.smbios, 0x3f520000);
	assert_int_equal(m.arch->efi.acpi20, 0x3f77d014);
	assert_int_equal(m.arch->efi.acpi, 0x3f77d000);
	assert_int_equal(m.arch->rsdp, 0x3f77d014);
	assert_int_equal(m.arch->efi.desc_size, 48);
	assert_int_equal(m.arch->efi.runtime_map_size, 7 * 48);
	memcpy(&first, m.arch->efi.runtime_map, sizeof(first));
	assert_int_equal(first.type, 0xb);
	assert_int_equal(first.phys_addr, 0xffc00000);
	assert_int_equal(first.virt_addr, 0xfffffffeffc00000);
	assert_int_equal(first.num_pages, 0x400);
	assert_int_equal(first.attribute, 0x8000000000000001);
	assert_int_equal(first.pad, 0);
	/* The kernel splits it in three, around setup_data; we see one range. */
	assert_true(ranges_contain(&m.ram, (struct range){ 0x900000, 0x3eaa0000 }));
	machine_free(&m);
}

/* A capture with some files replaced: the other folders are links. */
static void overlay(const struct tree *t, const char *machine, const char *folder)
{
	char from[512], to[128];

	snprintf(from, sizeof(from), "%s/%s/%s", MACHINES, machine, folder);
	snprintf(to, sizeof(to), "%s/%s", t->root, folder);
	assert_int_equal(symlink(from, to), 0);
}

/* An unprivileged user's view, which is enough for a dry run. */
static void test_hidden_addresses(void **state)
{
	struct machine m, whole = read_machine(MACHINES "/bios-8g-hole");
	struct tree t;

	(void)state;
	tree_make(&t);
	overlay(&t, "bios-8g-hole", "sys");
	tree_put(&t, "proc/iomem",
		 "00000000-00000000 : System RAM\n"
		 "  00000000-00000000 : Crash kernel\n");
	m = read_machine(t.root);
	assert_map(&m.firmware, whole.firmware.entries, whole.firmware.count);
	assert_int_equal(m.iomem.count, 0);
	assert_int_equal(m.ram.count, 3);
	assert_int_equal(m.ram.items[0].start, 0); /* from the firmware's map alone */
	assert_int_equal(range_size(m.crash), 0);
	assert_null(m.cmdline);
	assert_int_equal(m.arch->cpu.physical_bits, 0);
	assert_int_equal(m.physical_bits, 0);
	machine_free(&m);
	machine_free(&whole);
	tree_remove(&t, "");
}

/* A kernel without CONFIG_FIRMWARE_MEMMAP: only /proc exists. */
static void test_map_from_iomem(void **state)
{
	static const struct memory_entry e820[] = {
		{ 0x0, 0x1000, MEMORY_RESERVED },
		{ 0x1000, 0x9f000, MEMORY_RAM },
		{ 0x100000, 0x706000, MEMORY_RAM },
		{ 0x806000, 0x2000, MEMORY_NVS },
		{ 0x808000, 0x8000, MEMORY_RAM },
		{ 0x810000, 0xf0000, MEMORY_NVS },
		{ 0x900000, 0x3e1a0000, MEMORY_RAM },
		{ 0x3eaa0000, 0x102000, MEMORY_RESERVED },
		{ 0x3eba2000, 0x94a000, MEMORY_RAM },
		{ 0x3f4ec000, 0x280000, MEMORY_RESERVED },
		{ 0x3f76c000, 0x12000, MEMORY_ACPI },
		{ 0x3f77e000, 0x80000, MEMORY_NVS },
		{ 0x3f7fe000, 0x6f6000, MEMORY_RAM },
		{ 0x3fef4000, 0x84000, MEMORY_RESERVED },
		{ 0x3ff78000, 0x88000, MEMORY_NVS },
		{ 0xb0000000, 0x10000000, MEMORY_RESERVED },
	};
	struct machine m;
	struct tree t;

	(void)state;
	tree_make(&t);
	overlay(&t, "efi-1g", "proc");
	m = read_machine(t.root);
	assert_map(&m.firmware, e820, COUNT(e820));
	assert_false(m.arch->has_boot_params);
	assert_false(m.arch->efi.present);
	assert_int_equal(m.arch->rsdp, 0);
	machine_free(&m);
	tree_remove(&t, "");
}

/* Such a map leaves out RAM that a driver manages: the driver adds it again. */
static void test_managed_ram_is_not_in_the_map(void **state)
{
	static const struct memory_entry e820[] = { { 0x100000, 0x100000, MEMORY_RAM } };
	struct machine m;
	struct tree t;

	(void)state;
	tree_make(&t);
	tree_put(&t, "proc/iomem",
		 "00100000-001fffff : System RAM\n"
		 "00200000-002fffff : System RAM (kmem)\n"
		 "40000000-4fffffff : 0000:00:05.0\n"
		 "  40000000-47ffffff : System RAM (virtio_mem)\n");
	m = read_machine(t.root);
	assert_map(&m.firmware, e820, COUNT(e820));
	assert_int_equal(m.iomem.count, 3); /* a dump needs all of it */
	machine_free(&m);
	tree_remove(&t, "");
}

/* crashkernel=X,cma, as the kernel writes it. */
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
	struct machine m;
	struct tree t;

	(void)state;
	tree_make(&t);
	tree_put(&t, "proc/iomem", "00100000-3fffffff : System RAM\n");
	tree_put(&t, before, "36000000-3dffffff\n100000000-13fffffff\n");
	m = read_machine(t.root);
	assert_ranges(&m.crash_cma, ranges, COUNT(ranges));
	machine_free(&m);
	tree_put(&t, path, ""); /* takes precedence over the old name */
	m = read_machine(t.root);
	assert_int_equal(m.crash_cma.count, 0);
	machine_free(&m);
	tree_put(&t, path, "36000000-3dffffff\n100000000-13fffffff\n");
	m = read_machine(t.root);
	assert_ranges(&m.crash_cma, ranges, COUNT(ranges));
	machine_free(&m);
	assert_null(m.crash_cma.items);
	for (size_t i = 0; i < COUNT(bad); i++) {
		tree_put(&t, path, bad[i]);
		assert_int_equal(machine_read(t.root, &m, &err), 0);
		assert_int_equal(machine_read_cma(t.root, &m, &err), -EINVAL);
		machine_free(&m);
		assert_non_null(strstr(err.text, "crash_cma_ranges: not a memory range"));
	}
	tree_remove(&t, "");
}

static void test_many_entries(void **state)
{
	char command[1024];
	struct machine m;
	struct tree t;

	(void)state;
	tree_make(&t);
	snprintf(command, sizeof(command),
		 "sh '%s/make-many-e820' '%s/bios-8g-hole' '%s/many'", MACHINES, MACHINES,
		 t.root);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/many", t.root);
	m = read_machine(command);
	assert_int_equal(m.firmware.count, 407);
	for (size_t i = 1; i < m.firmware.count; i++)
		assert_true(m.firmware.entries[i - 1].addr +
				    m.firmware.entries[i - 1].size <=
			    m.firmware.entries[i].addr);
	assert_int_equal(m.ram.count, 202);
	assert_int_equal(ranges_total(&m.ram),
			 0x9e000 + (3 * GIB - 128 * 1024 - 1 * MIB) + 200 * 12 * MIB);
	machine_free(&m);
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
