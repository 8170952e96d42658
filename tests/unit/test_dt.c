// SPDX-License-Identifier: GPL-2.0-only
/* Device trees: what is read from them, and hostile ones. */
#include "check.h"
#include "fake_dt.h"
#include "tree.h"

#include "arch/dt/tree.h"

#include <errno.h>
#include <stdlib.h>

static struct error err;

static struct bytes whole(const struct fake_dt *t)
{
	return (struct bytes){ t->data, sizeof(t->data) };
}

/* QEMU's tree has a MiB of padding. */
static void test_opens_packed(void **state)
{
	size_t size = (size_t)1 << 20;
	uint8_t *padded = malloc(size);
	struct fake_dt t;
	struct dt tree;

	(void)state;
	fake_dt(&t);
	assert_non_null(padded);
	assert_int_equal(fdt_open_into(t.data, padded, (int)size), 0);
	assert_int_equal(dt_open((struct bytes){ padded, size }, &tree, &err), 0);
	assert_true(tree.size < 2048);
	assert_int_equal(fdt_totalsize(tree.data), tree.size);
	assert_true(fdt_path_offset(tree.data, "/soc/uart@3000") > 0);
	assert_int_equal(fdt_num_mem_rsv(tree.data), 4);
	dt_free(&tree);
	free(padded);
}

static void test_every_truncation_is_seen(void **state)
{
	struct fake_dt t;
	size_t size;
	struct dt tree;

	(void)state;
	fake_dt(&t);
	size = fdt_totalsize(t.data);
	for (size_t n = 0; n < size; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, t.data, n);
		assert_int_equal(dt_open((struct bytes){ copy, n }, &tree, &err),
				 -EBADMSG);
		assert_null(tree.data);
		free(copy);
	}
	assert_non_null(strstr(err.text, "damaged device tree"));
}

/* Each byte once: an error, or a tree that can be walked. */
static void test_flipped_bytes(void **state)
{
	size_t size, good = 0;
	struct fake_dt t;
	struct dt tree;

	(void)state;
	fake_dt(&t);
	size = fdt_totalsize(t.data);
	for (size_t n = 0; n < size; n++) {
		struct ranges reserved = { 0 };

		fake_dt(&t);
		t.data[n] ^= 0xff;
		if (dt_open(whole(&t), &tree, &err))
			continue;
		good++;
		dt_add_reserved(&tree, &reserved, &err);
		dt_find_node(tree.data, "serial1");
		ranges_free(&reserved);
		dt_free(&tree);
	}
	assert_in_range(good, size / 4, size - 40);
}

/* libfdt before 1.7 walks backwards, in a circle or out of the tree. */
static void test_huge_property(void **state)
{
	static const uint32_t lengths[] = { 0xfffffff4, 0xfffffff0, 0xffffffff,
					    0x80000000, 0x7ffffff4, FAKE_DT_SIZE };
	struct fake_dt t;
	struct dt tree;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct fdt_property *p;

		fake_dt(&t);
		p = fdt_get_property_w(t.data, fdt_path_offset(t.data, "/chosen"),
				       "bootargs", NULL);
		assert_non_null(p);
		p->len = cpu_to_fdt32(lengths[i]);
		assert_int_equal(dt_open(whole(&t), &tree, &err), -EBADMSG);
		assert_false(dt_is_valid(whole(&t)));
	}
	fake_dt(&t);
	fdt_set_version(t.data, 15);
	fdt_set_last_comp_version(t.data, 15);
	assert_int_equal(dt_open(whole(&t), &tree, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "VERSION"));
}

static void test_too_large(void **state)
{
	static uint8_t data[DT_SIZE_MAX + 1];
	struct dt tree;

	(void)state;
	assert_int_equal(dt_open((struct bytes){ data, sizeof(data) }, &tree, &err),
			 -EFBIG);
	assert_non_null(strstr(err.text, "2048 KiB"));
}

static void test_reads_sysfs(void **state)
{
	struct fake_dt t;
	struct tree root;
	struct dt tree;

	(void)state;
	tree_make(&root);
	assert_int_equal(dt_read(root.root, &tree, &err), -ENOENT);
	fake_dt(&t);
	tree_put_bytes(&root, "sys/firmware/fdt", t.data, sizeof(t.data));
	assert_int_equal(dt_read(root.root, &tree, &err), 0);
	dt_free(&tree);
	tree_put(&root, "sys/firmware/fdt", "no tree");
	assert_int_equal(dt_read(root.root, &tree, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "sys/firmware/fdt: damaged"));
	tree_remove(&root, "");
}

static void test_nodes(void **state)
{
	static const struct {
		const char *path, *node; /* NULL: not found */
	} cases[] = {
		{ "/soc/uart@3000", "uart@3000" },
		{ "/", "" },
		{ "serial0", "pl011@9000000" },
		{ "serial1", "uart@3000" },
		{ "soc/uart@3000", "uart@3000" },
		{ "soc/", "soc" },
		{ "soc//uart@3000/", "uart@3000" },
		{ "soc/uart@4000", NULL },
		{ "serial2", NULL }, /* an alias of itself */
		{ "serial", NULL },
		{ "", NULL },
		{ "/nowhere", NULL },
	};
	struct fake_dt t;

	(void)state;
	fake_dt(&t);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int node = dt_find_node(t.data, cases[i].path);

		if (!cases[i].node)
			assert_true(node < 0);
		else
			assert_string_equal(fdt_get_name(t.data, node, NULL),
					    cases[i].node);
	}
}

static void test_registers(void **state)
{
	/* the next address behind the range */
	const fdt32_t none[] = { cpu_to_fdt32(0x1000), cpu_to_fdt32(0x9), cpu_to_fdt32(0),
				 cpu_to_fdt32(0x2000) };
	struct fake_dt t;
	uint64_t addr = 0;
	int soc;

	(void)state;
	fake_dt(&t);
	assert_true(dt_register(t.data, dt_find_node(t.data, "serial0"), &addr));
	assert_int_equal(addr, 0x9000000);
	/* through the ranges of /soc: 0x1000 is 0x9_0000_0000 */
	assert_true(dt_register(t.data, dt_find_node(t.data, "serial1"), &addr));
	assert_int_equal(addr, 0x900002000);
	assert_false(dt_register(t.data, dt_find_node(t.data, "/psci"), &addr));

	soc = fdt_path_offset(t.data, "/soc");
	fdt_setprop_inplace(t.data, soc, "ranges", none, sizeof(none));
	assert_false(dt_register(t.data, dt_find_node(t.data, "serial1"), &addr));
	/* PCI's addresses have three cells */
	fdt_setprop_inplace_u32(t.data, soc, "#address-cells", 3);
	assert_false(dt_register(t.data, dt_find_node(t.data, "serial1"), &addr));
	fake_dt(&t);
	fdt_nop_property(t.data, fdt_path_offset(t.data, "/soc"), "ranges");
	assert_false(dt_register(t.data, dt_find_node(t.data, "serial1"), &addr));
}

static void test_numbers(void **state)
{
	struct fake_dt t;
	uint64_t value = 0;
	int chosen;

	(void)state;
	fake_dt(&t);
	chosen = fdt_path_offset(t.data, "/chosen");
	assert_true(dt_number(t.data, chosen, "linux,initrd-end", &value));
	assert_int_equal(value, OLD_INITRD_END);
	assert_true(dt_number(t.data, chosen, "kaslr-seed", &value));
	assert_false(dt_number(t.data, chosen, "linux,elfcorehdr", &value));
	assert_false(dt_number(t.data, chosen, "none", &value));
}

static void test_reserved(void **state)
{
	struct ranges found = { 0 };
	struct fake_dt t;
	struct dt tree;

	(void)state;
	fake_dt(&t);
	assert_int_equal(dt_open(whole(&t), &tree, &err), 0);
	assert_int_equal(dt_add_reserved(&tree, &found, &err), 0);
	assert_int_equal(found.count, 5);
	assert_int_equal(found.items[0].start, FIRMWARE);
	assert_int_equal(found.items[0].end, FIRMWARE + 0x80000);
	assert_int_equal(found.items[1].end, OLD_INITRD_END);
	assert_int_equal(found.items[2].start, CMA_POOL);
	assert_int_equal(found.items[2].end, CMA_POOL + 0x1000000);
	ranges_free(&found);
	/* an address of 128 bits is an error, not a smaller address */
	fdt_setprop_inplace_u32(tree.data, fdt_path_offset(tree.data, "/reserved-memory"),
				"#address-cells", 4);
	assert_int_equal(dt_add_reserved(&tree, &found, &err), -EBADMSG);
	ranges_free(&found);
	dt_free(&tree);
}

/* Nothing that we read follows phandles: a cycle is just numbers. */
static void test_cyclic_phandles(void **state)
{
	struct ranges found = { 0 };
	struct fake_dt t;
	struct dt tree;
	int soc;

	(void)state;
	fake_dt(&t);
	assert_int_equal(fdt_open_into(t.data, t.data, sizeof(t.data)), 0);
	soc = fdt_path_offset(t.data, "/soc");
	assert_int_equal(fdt_setprop_u32(t.data, soc, "phandle", 1), 0);
	assert_int_equal(fdt_setprop_u32(t.data, soc, "interrupt-parent", 1), 0);
	assert_int_equal(fdt_setprop_u32(t.data, soc, "memory-region", 1), 0);
	assert_int_equal(dt_open(whole(&t), &tree, &err), 0);
	assert_int_equal(dt_add_reserved(&tree, &found, &err), 0);
	ranges_free(&found);
	dt_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_packed),
		cmocka_unit_test(test_every_truncation_is_seen),
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_huge_property),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_reads_sysfs),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_cyclic_phandles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
