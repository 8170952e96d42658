// SPDX-License-Identifier: GPL-2.0-only
/* The VM generation ID's node in a device tree: found, and hostile ones refused. */
#include "check.h"
#include "fake_dt.h"
#include "tree.h"

#include "arch/dt/vmgenid.h"
#include "machine/machine.h"

#include <errno.h>
#include <stdio.h>

/* Firecracker's place is beside RAM; ours for QEMU is a page with no-map. */
#define BESIDE 0x3ffff000ull
#define NO_MAP 0x80000000ull
#define PATH   "/vmgenid@0"

static const char iomem[] = "40000000-7fffffff : System RAM\n"
			    "  40200000-4183ffff : Kernel code\n"
			    "  41ef0000-4226ffff : Kernel data\n"
			    "  48000000-48123fff : reserved\n"
			    "80000000-8000ffff : reserved\n"
			    "80010000-8fffffff : System RAM\n";

static struct error err;

/* A tree with a node at the root, and its offset. */
struct scene {
	struct fake_dt dt;
	int node;
};

static int add_node(void *fdt, int parent, const char *name, uint64_t addr, uint64_t size)
{
	const fdt64_t reg[2] = { cpu_to_fdt64(addr), cpu_to_fdt64(size) };
	int node = fdt_add_subnode(fdt, parent, name);

	assert_true(node >= 0);
	assert_int_equal(fdt_setprop_string(fdt, node, "compatible", "microsoft,vmgenid"),
			 0);
	assert_int_equal(fdt_setprop(fdt, node, "reg", reg, sizeof(reg)), 0);
	return node;
}

static void make(struct scene *s, uint64_t addr, uint64_t size)
{
	fake_dt(&s->dt);
	assert_int_equal(fdt_open_into(s->dt.data, s->dt.data, sizeof(s->dt.data)), 0);
	s->node = add_node(s->dt.data, 0, PATH + 1, addr, size);
}

static struct vmgenid find(const struct scene *s)
{
	const struct bytes blob = { s->dt.data, sizeof(s->dt.data) };
	struct vmgenid v;
	struct dt tree;

	assert_int_equal(dt_open(blob, &tree, &err), 0);
	dt_find_vmgenid(&tree, &v);
	dt_free(&tree);
	assert_true((v.state == VMGENID_FOUND) == (v.addr != 0));
	assert_true((v.state == VMGENID_FOUND) == !v.why[0]);
	return v;
}

static void refused(const struct scene *s, const char *why)
{
	struct vmgenid v = find(s);

	assert_int_equal(v.state, VMGENID_UNKNOWN_SHAPE);
	assert_non_null(strstr(v.why, why));
}

static void test_found(void **state)
{
	struct scene s;
	struct vmgenid v;

	(void)state;
	make(&s, BESIDE, VMGENID_SIZE);
	v = find(&s);
	assert_int_equal(v.addr, BESIDE);
	assert_string_equal(v.from, "device tree, " PATH);
	/* any of several names, in any case */
	fdt_setprop(s.dt.data, s.node, "compatible", "a,b\0Microsoft,VmGenID", 22);
	assert_int_equal(find(&s).addr, BESIDE);
	fdt_setprop_string(s.dt.data, s.node, "status", "okay");
	assert_int_equal(find(&s).addr, BESIDE);
}

static void test_absent(void **state)
{
	struct scene s;
	struct vmgenid v;

	(void)state;
	make(&s, BESIDE, VMGENID_SIZE);
	fdt_setprop_string(s.dt.data, s.node, "compatible", "microsoft,vmgenid2");
	v = find(&s);
	assert_int_equal(v.state, VMGENID_ABSENT);
	assert_string_equal(v.why,
			    "no such device in the device tree or the ACPI tables");
	fdt_setprop(s.dt.data, s.node, "compatible", "microsoft,vmgenid", 17);
	assert_int_equal(find(&s).state, VMGENID_ABSENT); /* does not end */
	make(&s, BESIDE, VMGENID_SIZE);
	fdt_setprop_string(s.dt.data, s.node, "status", "disabled");
	assert_int_equal(find(&s).state, VMGENID_ABSENT);
	fdt_setprop_string(s.dt.data, s.node, "status", "okay too");
	assert_int_equal(find(&s).state, VMGENID_ABSENT);
}

/* The kernel has no device for a node behind a bus that is off, and one behind the next. */
static void test_disabled_parent(void **state)
{
	struct scene s;
	int bus;

	(void)state;
	make(&s, BESIDE, VMGENID_SIZE);
	bus = fdt_add_subnode(s.dt.data, 0, "off");
	assert_int_equal(fdt_setprop_string(s.dt.data, bus, "status", "disabled"), 0);
	add_node(s.dt.data, fdt_add_subnode(s.dt.data, bus, "bus"), "x", 1, 16);
	assert_int_equal(find(&s).addr, BESIDE);
	fdt_setprop_string(s.dt.data, fdt_path_offset(s.dt.data, "/off"), "status",
			   "okay");
	refused(&s, "the device tree has 2 nodes microsoft,vmgenid");
}

/* Behind a bus: /soc of fake_dt.h has 0x1000 at 0x9_0000_0000. */
static void test_bus(void **state)
{
	const fdt32_t reg[] = { cpu_to_fdt32(0x1ff0), cpu_to_fdt32(16) };
	const fdt32_t outside[] = { cpu_to_fdt32(0x11000), cpu_to_fdt32(16) };
	struct scene s;
	int node;

	(void)state;
	fake_dt(&s.dt);
	assert_int_equal(fdt_open_into(s.dt.data, s.dt.data, sizeof(s.dt.data)), 0);
	node = add_node(s.dt.data, fdt_path_offset(s.dt.data, "/soc"), "vmgenid", 0, 0);
	fdt_setprop(s.dt.data, node, "reg", reg, sizeof(reg));
	assert_int_equal(find(&s).addr, 0x900000ff0);
	fdt_setprop(s.dt.data, node, "reg", outside, sizeof(outside));
	refused(&s, "device tree, /soc/vmgenid: its bus does not map its address");
}

static void test_reg(void **state)
{
	struct scene s;

	(void)state;
	make(&s, BESIDE, VMGENID_SIZE - 1);
	refused(&s, "device tree, " PATH ": its memory is smaller than 16 bytes");
	make(&s, BESIDE, VMGENID_SIZE);
	fdt_delprop(s.dt.data, s.node, "reg");
	refused(&s, "it has no reg");
	for (size_t size = 0; size < 16; size++) {
		make(&s, BESIDE, VMGENID_SIZE);
		fdt_setprop(s.dt.data, s.node, "reg", "0123456789abcde", (int)size);
		refused(&s, "its reg has no address and size");
	}
	make(&s, BESIDE, VMGENID_SIZE);
	fdt_setprop_u32(s.dt.data, 0, "#address-cells", 3);
	refused(&s, "its reg has no address and size of at most 64 bits each");
}

static void test_two(void **state)
{
	struct scene s;

	(void)state;
	make(&s, BESIDE, VMGENID_SIZE);
	add_node(s.dt.data, 0, "again", BESIDE, VMGENID_SIZE);
	refused(&s, "the device tree has 2 nodes microsoft,vmgenid");
}

/* A path that is too long for the message, and depth: nothing recurses. */
static void test_deep(void **state)
{
	struct scene s;
	int node = 0;

	(void)state;
	fake_dt(&s.dt);
	assert_int_equal(fdt_open_into(s.dt.data, s.dt.data, sizeof(s.dt.data)), 0);
	for (int i = 0; i < 60; i++) {
		node = fdt_add_subnode(s.dt.data, node, "bus");
		assert_true(node > 0);
		assert_int_equal(fdt_setprop(s.dt.data, node, "ranges", NULL, 0), 0);
		assert_int_equal(fdt_setprop_u32(s.dt.data, node, "#address-cells", 2),
				 0);
		assert_int_equal(fdt_setprop_u32(s.dt.data, node, "#size-cells", 2), 0);
	}
	add_node(s.dt.data, node, "vmgenid", BESIDE, VMGENID_SIZE);
	assert_int_equal(find(&s).addr, BESIDE);
	assert_string_equal(find(&s).from, "device tree, microsoft,vmgenid");
}

/* --- With the machine's memory --- */

static struct vmgenid read_machine(uint64_t addr)
{
	struct vmgenid v;
	struct machine m;
	struct tree root;
	struct scene s;

	tree_make(&root);
	tree_put(&root, "proc/iomem", iomem);
	make(&s, addr, VMGENID_SIZE);
	tree_put_bytes(&root, "sys/firmware/fdt", s.dt.data, sizeof(s.dt.data));
	assert_int_equal(machine_read(root.root, &m, &err), 0);
	v = m.vmgenid;
	machine_free(&m);
	tree_remove(&root, "");
	return v;
}

static void test_address(void **state)
{
	static const struct {
		uint64_t addr;
		const char *why;
	} bad[] = {
		{ 0, "address 0 has not been filled in" },
		{ BESIDE + 4, "is not aligned to 8 bytes" },
		{ 0x50000000, "is in memory that the kernel uses" },
		{ 0x41f00000, "is in memory that the kernel uses" },
		/* the kernel reserved it, and may use it, or firmware did without no-map */
		{ 0x48000000, "is in memory that the kernel uses" },
		{ 0x3ffffff8, "is in memory that the kernel uses" },
		{ 0x8000fff8, "is in memory that the kernel uses" },
		{ 0x800000000000, "is beyond the CPU's address space" },
		{ 0xfffffffffffffff8, "is beyond the CPU's address space" },
	};

	(void)state;
	assert_int_equal(read_machine(BESIDE).addr, BESIDE);
	assert_int_equal(read_machine(NO_MAP).addr, NO_MAP);
	assert_int_equal(read_machine(NO_MAP + 0xfff0).addr, NO_MAP + 0xfff0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct vmgenid v = read_machine(bad[i].addr);

		assert_int_equal(v.state, VMGENID_BAD_ADDRESS);
		assert_int_equal(v.addr, 0);
		assert_non_null(strstr(v.why, bad[i].why));
	}
}

/* Copies a compiled table of tests/unit/acpi. */
static void put_table(const struct tree *root, const char *name)
{
	uint8_t table[4096];
	char path[256];
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), ACPI_TABLES "/%s.aml", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	size = fread(table, 1, sizeof(table), f);
	fclose(f);
	tree_put_bytes(root, "sys/firmware/acpi/tables/DSDT", table, size);
}

/* The memory that field.asl reads: a sparse file. */
static void put_field(const struct tree *root, uint32_t value)
{
	char path[256];
	FILE *f;

	tree_put(root, "dev/mem", "");
	snprintf(path, sizeof(path), "%s/dev/mem", root->root);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0xfc000008l, SEEK_SET), 0);
	assert_int_equal(fwrite(&value, sizeof(value), 1, f), 1);
	fclose(f);
}

/* As of test_address(), of a machine with ACPI, whose tree from UEFI has no devices. */
static struct vmgenid read_acpi(const char *table, bool with_node, uint32_t field)
{
	struct vmgenid v;
	struct machine m;
	struct tree root;
	struct scene s;

	tree_make(&root);
	tree_put(&root, "proc/iomem", iomem);
	put_table(&root, table);
	make(&s, BESIDE, VMGENID_SIZE);
	if (!with_node)
		fdt_del_node(s.dt.data, s.node);
	tree_put_bytes(&root, "sys/firmware/fdt", s.dt.data, sizeof(s.dt.data));
	put_field(&root, field);
	assert_int_equal(machine_read(root.root, &m, &err), 0);
	v = m.vmgenid;
	machine_free(&m);
	tree_remove(&root, "");
	return v;
}

/* A kernel with ACPI does not look at the tree, so ACPI's word counts, also a bad one. */
static void test_acpi(void **state)
{
	struct vmgenid v = read_acpi("package", false, 0);

	(void)state;
	assert_int_equal(v.addr, 0xdfff0);
	assert_string_equal(v.from, "constant");
	assert_int_equal(read_acpi("package", true, 0).addr, 0xdfff0);
	assert_int_equal(read_acpi("field", true, 0x80000010).addr, NO_MAP + 0x10);
	v = read_acpi("field", true, 0x50000000);
	assert_int_equal(v.state, VMGENID_BAD_ADDRESS);
	assert_non_null(strstr(v.why, "is in memory that the kernel uses"));
	assert_int_equal(read_acpi("two", true, 0).state, VMGENID_UNKNOWN_SHAPE);
}

static void test_nothing(void **state)
{
	struct machine m;
	struct tree root;

	(void)state;
	tree_make(&root);
	tree_put(&root, "proc/iomem", iomem);
	assert_int_equal(machine_read(root.root, &m, &err), 0);
	assert_int_equal(m.vmgenid.state, VMGENID_ABSENT);
	assert_string_equal(m.vmgenid.why, "no ACPI tables");
	machine_free(&m);
	tree_remove(&root, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_disabled_parent),
		cmocka_unit_test(test_bus),
		cmocka_unit_test(test_reg),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_acpi),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
