// SPDX-License-Identifier: GPL-2.0-only
/* The VM generation ID of whole machines: the files that count, possible addresses. */
#include "acpi/vmgenid.h"
#include "machine/acpi_tables.h"
#include "base/file.h"
#include "machine/machine.h"

#include "check.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOBODY 65534

static struct vmgenid check(const struct machine *m, uint64_t addr)
{
	struct vmgenid v = { .state = VMGENID_FOUND, .addr = addr };

	machine_check_vmgenid(m, &v);
	assert_true(v.state == VMGENID_FOUND || v.state == VMGENID_BAD_ADDRESS);
	assert_int_equal(v.addr, v.state == VMGENID_FOUND ? addr : 0);
	return v;
}

static void test_address(void **state)
{
	struct memory_entry firmware[] = {
		{ 0x0, 0x9fc00, MEMORY_RAM },	    { 0x9fc00, 0x60400, MEMORY_RESERVED },
		{ 0x100000, 0x100000, MEMORY_RAM }, { 0x200000, 0x1000, MEMORY_NVS },
		{ 0x201000, 0x1000, MEMORY_ACPI },  { 0x202000, 0x1000, MEMORY_UNUSABLE },
		{ 0x203000, 0x1000, MEMORY_PMEM },
	};
	struct memory_entry iomem[] = { { 0x400000, 0x1000, MEMORY_RAM } };
	struct machine m = { .firmware = { firmware, COUNT(firmware) },
			     .iomem = { iomem, 1 } };
	static const uint64_t good[] = {
		0x9fc00,  0xdfff0,  0xffff0,  0x200000, 0x200028,
		0x201ff0, 0x300000, 0x3ffff0, 0x401000, 0x7ffffffffff0,
	};
	static const uint64_t bad[] = {
		0,
		4,
		0x28,
		0x9fbf8,
		0x9fc04,
		0xffff8,
		0x1ffff0,
		0x1ffff8,
		0x201ff8,
		0x202000,
		0x203ff0,
		0x3ffff8,
		0x400ff8,
		0x7ffffffffff8,
		0x800000000000,
		0xfffffffffffffff0,
		0xfffffffffffffff8,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(check(&m, good[i]).state, VMGENID_FOUND);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(check(&m, bad[i]).state, VMGENID_BAD_ADDRESS);
	m.physical_bits = 36;
	assert_int_equal(check(&m, 0xffffffff0).state, VMGENID_FOUND);
	assert_int_equal(check(&m, 0xffffffff8).state, VMGENID_BAD_ADDRESS);
	m.physical_bits = 52;
	assert_int_equal(check(&m, 0x800000000000).state, VMGENID_BAD_ADDRESS);
	assert_string_equal(check(&m, 0x28).why,
			    "address 0x28 is in memory that the kernel uses");
}

static struct vmgenid read_root(const char *root)
{
	const struct memory_map nothing = { 0 };
	const struct phys_mem mem = { .read = phys_mem_read,
				      .root = root,
				      .firmware = &nothing,
				      .iomem = &nothing };
	struct vmgenid v = { 0 };

	acpi_tables_find_vmgenid(&mem, &v);
	return v;
}

static void put(const struct tree *t, const char *path, const char *name)
{
	char from[512], *data;
	size_t size;

	snprintf(from, sizeof(from), ACPI_TABLES "/%s.aml", name);
	assert_int_equal(file_slurp(from, VMGENID_TABLE_MAX, &data, &size), 0);
	tree_put_bytes(t, path, data, size);
	free(data);
}

static void test_files(void **state)
{
	struct tree t;

	(void)state;
	tree_make(&t);
	assert_int_equal(read_root(t.root).state, VMGENID_ABSENT);
	tree_put(&t, "sys/firmware/acpi/tables/FACP", "no code");
	tree_put(&t, "sys/firmware/acpi/tables/SSDT1.bak", "no code either");
	tree_put(&t, "sys/firmware/acpi/tables/data/BERT", "no code");
	assert_int_equal(read_root(t.root).state, VMGENID_ABSENT);
	put(&t, "sys/firmware/acpi/tables/SSDT12", "sum");
	assert_int_equal(read_root(t.root).addr, 0x12fffff028);
	put(&t, "sys/firmware/acpi/tables/dynamic/SSDT13", "package");
	assert_int_equal(read_root(t.root).state, VMGENID_UNKNOWN_SHAPE);
	tree_remove(&t, "sys/firmware/acpi/tables/SSDT12");
	assert_int_equal(read_root(t.root).addr, 0xdfff0);
	/* Damaged tables beside it do not matter: the kernel ignores them too. */
	tree_put(&t, "sys/firmware/acpi/tables/DSDT", "DSDT");
	assert_int_equal(read_root(t.root).addr, 0xdfff0);
	tree_remove(&t, "sys/firmware/acpi/tables/dynamic");
	assert_int_equal(read_root(t.root).state, VMGENID_UNKNOWN_SHAPE);
	assert_string_equal(read_root(t.root).why,
			    "a table is smaller than a table's header");
	tree_remove(&t, "");
}

static void test_limits(void **state)
{
	static const uint8_t large[VMGENID_TABLE_MAX + 1] = "SSDT";
	char path[64];
	struct tree t;

	(void)state;
	tree_make(&t);
	put(&t, "sys/firmware/acpi/tables/DSDT", "package");
	tree_put_bytes(&t, "sys/firmware/acpi/tables/SSDT1", large, sizeof(large));
	assert_int_equal(read_root(t.root).state, VMGENID_UNKNOWN_SHAPE);
	tree_put_bytes(&t, "sys/firmware/acpi/tables/SSDT1", large, sizeof(large) - 1);
	assert_int_equal(read_root(t.root).state, VMGENID_FOUND);
	for (int i = 2; i < 17; i++) {
		snprintf(path, sizeof(path), "sys/firmware/acpi/tables/SSDT%d", i);
		tree_put_bytes(&t, path, large, sizeof(large) - 1);
	}
	assert_int_equal(read_root(t.root).state, VMGENID_UNKNOWN_SHAPE); /* 16 MiB */
	for (int i = 1; i < VMGENID_TABLES_MAX; i++) {
		snprintf(path, sizeof(path), "sys/firmware/acpi/tables/SSDT%d", i);
		tree_put(&t, path, "");
	}
	assert_int_equal(read_root(t.root).state, VMGENID_FOUND);
	tree_put(&t, "sys/firmware/acpi/tables/SSDT", "");
	assert_int_equal(read_root(t.root).state, VMGENID_UNKNOWN_SHAPE);
	tree_remove(&t, "");
}

static void test_hidden(void **state)
{
	struct tree t;

	(void)state;
	tree_make(&t);
	put(&t, "sys/firmware/acpi/tables/DSDT", "package");
	tree_mode(&t, "sys/firmware/acpi/tables/DSDT", 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(read_root(t.root).state, VMGENID_HIDDEN);
	assert_int_equal(seteuid(getuid()), 0);
	tree_remove(&t, "");
}

/*
 * Guests with -device vmgenid: the address at which QEMU's memory held the ID, which
 * tests/vm/test_vmgenid.py verifies.
 */
static void test_machines(void **state)
{
	struct error err;
	struct machine m;

	(void)state;
	assert_int_equal(machine_read(MACHINES "/vmgenid-bios", &m, &err), 0);
	assert_int_equal(m.vmgenid.state, VMGENID_FOUND);
	assert_int_equal(m.vmgenid.addr, 0x3ffff028);
	machine_free(&m);
	assert_int_equal(machine_read(MACHINES "/vmgenid-efi", &m, &err), 0);
	assert_int_equal(m.vmgenid.state, VMGENID_FOUND);
	assert_int_equal(m.vmgenid.addr, 0x3f7fc028);
	machine_free(&m);
	assert_int_equal(machine_read(MACHINES "/bios-1g", &m, &err), 0);
	assert_int_equal(m.vmgenid.state, VMGENID_ABSENT);
	assert_string_equal(m.vmgenid.why, "no ACPI tables");
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),	 cmocka_unit_test(test_files),
		cmocka_unit_test(test_limits),	 cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
