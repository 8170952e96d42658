// SPDX-License-Identifier: GPL-2.0-only
/* The next kernel's tree: /chosen and reservations; the rest passes as it is. */
#include "check.h"
#include "fake_dt.h"

#include "arch/dt/chosen.h"
#include "seed_mix.h"

#include <errno.h>
#include <stdlib.h>

static struct error err;

#define INITRD	   0x123400000ull
#define INITRD_END 0x123456789ull

static const struct dt_next usual = { .cmdline = "root=new ro",
				      .initrd = { INITRD, INITRD_END },
				      .seed = true,
				      .kaslr_seed = true };

static struct dt make_from(const void *fdt, size_t size, const struct dt_next *next)
{
	struct dt from, out;

	assert_int_equal(dt_open((struct bytes){ fdt, size }, &from, &err), 0);
	assert_int_equal(dt_make_next(&from, next, &out, &err), 0);
	dt_free(&from);
	assert_int_equal(fdt_check_full(out.data, out.size), 0);
	assert_int_equal(fdt_totalsize(out.data), out.size);
	return out;
}

static struct dt make(const struct dt_next *next)
{
	struct fake_dt t;

	fake_dt(&t);
	return make_from(t.data, sizeof(t.data), next);
}

static const void *find(const struct dt *tree, const char *name, int *size)
{
	int chosen = fdt_path_offset(tree->data, "/chosen");

	*size = 0;
	return fdt_getprop(tree->data, chosen, name, size);
}

static void assert_zeroes(const struct dt *tree, const char *name, int want)
{
	static const uint8_t zeroes[64];
	int size;
	const void *value = find(tree, name, &size);

	assert_non_null(value);
	assert_int_equal(size, want);
	assert_memory_equal(value, zeroes, (size_t)size);
}

static void assert_number(const struct dt *tree, const char *name, uint64_t want)
{
	int size;
	const fdt64_t *value = find(tree, name, &size);

	assert_non_null(value);
	assert_int_equal(size, 8);
	assert_int_equal(fdt64_ld(value), want);
}

static bool has(const struct dt *tree, const char *name)
{
	int size;

	return find(tree, name, &size);
}

static int reservations(const struct dt *tree, uint64_t start, uint64_t size)
{
	int count = 0;

	for (int i = 0; i < fdt_num_mem_rsv(tree->data); i++) {
		uint64_t at, bytes;

		fdt_get_mem_rsv(tree->data, i, &at, &bytes);
		count += at == start && bytes == size;
	}
	return count;
}

static void test_new_values(void **state)
{
	struct dt tree = make(&usual);
	int size;

	(void)state;
	assert_string_equal(find(&tree, "bootargs", &size), "root=new ro");
	assert_int_equal(size, 12);
	assert_number(&tree, "linux,initrd-start", INITRD);
	assert_number(&tree, "linux,initrd-end", INITRD_END);
	assert_zeroes(&tree, "rng-seed", SEED_SIZE);
	assert_zeroes(&tree, "kaslr-seed", 8);
	assert_non_null(find(&tree, "linux,booted-from-kexec", &size));
	assert_int_equal(size, 0);
	/* the exact bytes of the initrd */
	assert_int_equal(reservations(&tree, INITRD, INITRD_END - INITRD), 1);
	dt_free(&tree);
}

/* Of memory of the running kernel, or of the crash that it came from: all names. */
static void test_old_values_are_gone(void **state)
{
	static const char *const names[] = {
		"linux,initrd-start", "linux,initrd-end",
		"linux,elfcorehdr",   "linux,usable-memory-range",
		"linux,dmcryptkeys",  "linux,ima-kexec-buffer",
		"linux,kho-fdt",      "linux,kho-scratch",
		"bootargs",	      "kaslr-seed",
		"rng-seed",
	};
	struct fake_dt t;
	struct dt tree;

	(void)state;
	fake_dt(&t);
	assert_int_equal(fdt_open_into(t.data, t.data, sizeof(t.data)), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		int chosen = fdt_path_offset(t.data, "/chosen");

		if (!fdt_getprop(t.data, chosen, names[i], NULL))
			assert_int_equal(
				fdt_setprop_u64(t.data, chosen, names[i], 0x7d000000), 0);
	}
	tree = make_from(t.data, sizeof(t.data), &(struct dt_next){ 0 });
	for (size_t i = 0; i < COUNT(names); i++)
		if (has(&tree, names[i]))
			fail_msg("%s is left", names[i]);
	assert_int_equal(reservations(&tree, OLD_INITRD, OLD_INITRD_END - OLD_INITRD), 0);
	assert_int_equal(reservations(&tree, OLD_HEADERS, 0x1000), 0);
	assert_int_equal(reservations(&tree, OLD_IMA, 0x2000), 0);
	assert_int_equal(fdt_num_mem_rsv(tree.data), 1);
	dt_free(&tree);
}

static void test_the_rest_stays(void **state)
{
	struct dt tree = make(&usual);
	int size;

	(void)state;
	assert_string_equal(find(&tree, "stdout-path", &size), "serial0:115200n8");
	assert_string_equal(find(&tree, "u-boot,version", &size), "2026.01");
	assert_int_equal(reservations(&tree, FIRMWARE, 0x80000), 1);
	assert_true(fdt_path_offset(tree.data, "/reserved-memory/pool@60000000") > 0);
	assert_true(fdt_path_offset(tree.data, "/soc/uart@3000") > 0);
	dt_free(&tree);
}

static void test_nothing_to_pass(void **state)
{
	struct dt tree = make(&(struct dt_next){ .cmdline = "" });

	(void)state;
	assert_false(has(&tree, "bootargs"));
	assert_false(has(&tree, "linux,initrd-start"));
	assert_false(has(&tree, "linux,initrd-end"));
	assert_false(has(&tree, "rng-seed"));
	assert_false(has(&tree, "kaslr-seed"));
	assert_true(has(&tree, "linux,booted-from-kexec"));
	assert_int_equal(fdt_num_mem_rsv(tree.data), 1);
	dt_free(&tree);
}

/* Firmware reserves whole pages of its initrd. */
static void test_initrd_reserved_in_pages(void **state)
{
	struct fake_dt t;
	struct dt tree;

	(void)state;
	fake_dt(&t);
	assert_int_equal(fdt_open_into(t.data, t.data, sizeof(t.data)), 0);
	assert_int_equal(fdt_del_mem_rsv(t.data, 1), 0);
	assert_int_equal(fdt_add_mem_rsv(t.data, OLD_INITRD, 0x124000), 0);
	/* neither of these is the initrd's */
	assert_int_equal(fdt_add_mem_rsv(t.data, OLD_INITRD, 0x1000), 0);
	assert_int_equal(fdt_add_mem_rsv(t.data, OLD_INITRD + 0x1000, 0x123000), 0);
	tree = make_from(t.data, sizeof(t.data), &usual);
	assert_int_equal(reservations(&tree, OLD_INITRD, 0x124000), 0);
	assert_int_equal(reservations(&tree, OLD_INITRD, 0x1000), 1);
	assert_int_equal(reservations(&tree, OLD_INITRD + 0x1000, 0x123000), 1);
	dt_free(&tree);
}

/* The crash kernel's own values: in cells of the root, the main region first. */
static void test_crash(void **state)
{
	static const struct range usable[] = { { 0x21fa00000, 0x23fa00000 },
					       { 0xf4000000, 0xfc000000 } };
	struct dt_next next = usual;
	struct dt tree;
	const fdt64_t *value;
	int size;

	(void)state;
	next.elfcorehdr = (struct range){ 0x220000000, 0x220001000 };
	next.usable = usable;
	next.nr_usable = 2;
	tree = make(&next);
	value = find(&tree, "linux,elfcorehdr", &size);
	assert_int_equal(size, 16);
	assert_int_equal(fdt64_ld(&value[0]), 0x220000000);
	assert_int_equal(fdt64_ld(&value[1]), 0x1000);
	value = find(&tree, "linux,usable-memory-range", &size);
	assert_int_equal(size, 32);
	assert_int_equal(fdt64_ld(&value[0]), 0x21fa00000);
	assert_int_equal(fdt64_ld(&value[1]), 0x20000000);
	assert_int_equal(fdt64_ld(&value[2]), 0xf4000000);
	assert_int_equal(fdt64_ld(&value[3]), 0x8000000);
	assert_int_equal(reservations(&tree, 0x220000000, 0x1000), 1);
	assert_int_equal(reservations(&tree, INITRD, INITRD_END - INITRD), 1);
	/* the next kernel but one, of which this is the running one's tree */
	next = usual;
	{
		struct dt later = make_from(tree.data, tree.size, &next);

		assert_false(has(&later, "linux,elfcorehdr"));
		assert_false(has(&later, "linux,usable-memory-range"));
		assert_int_equal(reservations(&later, 0x220000000, 0x1000), 0);
		dt_free(&later);
	}
	dt_free(&tree);
}

/* A tree of 32-bit addresses, which is all that its next reader would understand. */
static void test_crash_one_cell(void **state)
{
	static const struct range usable = { 0x30000000, 0x40000000 };
	struct dt_next next = { .elfcorehdr = { 0x30100000, 0x30102000 },
				.usable = &usable,
				.nr_usable = 1 };
	alignas(8) uint8_t fdt[512];
	struct dt from, tree;
	const fdt32_t *value;
	int size;

	(void)state;
	assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
	assert_int_equal(fdt_open_into(fdt, fdt, sizeof(fdt)), 0);
	assert_int_equal(fdt_setprop_u32(fdt, 0, "#address-cells", 1), 0);
	assert_int_equal(fdt_setprop_u32(fdt, 0, "#size-cells", 1), 0);
	tree = make_from(fdt, sizeof(fdt), &next);
	value = find(&tree, "linux,elfcorehdr", &size);
	assert_int_equal(size, 8);
	assert_int_equal(fdt32_ld(&value[0]), 0x30100000);
	assert_int_equal(fdt32_ld(&value[1]), 0x2000);
	dt_free(&tree);
	next.elfcorehdr = (struct range){ 0x130100000, 0x130102000 };
	assert_int_equal(dt_open((struct bytes){ fdt, sizeof(fdt) }, &from, &err), 0);
	assert_int_equal(dt_make_next(&from, &next, &tree, &err), -EBADMSG);
	dt_free(&from);
}

/* As the next kernel reads it, early_init_dt_scan_root() of Linux: 1 if the tree is silent. */
static int linux_cells(const struct dt *tree, const char *name)
{
	const fdt32_t *cells = fdt_getprop(tree->data, 0, name, NULL);

	return cells ? (int)fdt32_ld(cells) : 1;
}

static uint64_t linux_pair(const struct dt *tree, const char *name, uint64_t *second)
{
	int addr = linux_cells(tree, "#address-cells"), size, length;
	const fdt32_t *value = find(tree, name, &length);
	uint64_t numbers[2] = { 0 };

	size = linux_cells(tree, "#size-cells");
	assert_int_equal(length, 4 * (addr + size));
	for (int i = 0; i < addr + size; i++)
		numbers[i >= addr] = numbers[i >= addr] << 32 | fdt32_ld(&value[i]);
	*second = numbers[1];
	return numbers[0];
}

/*
 * Old versions of GRUB hand an empty tree over, without cells, where the machine has none.
 * In one with registers they are those that Linux takes for granted.
 */
static void test_crash_without_cells(void **state)
{
	static const struct range usable[] = { { 0x30000000, 0x40000000 },
					       { 0x230000000, 0x340000000 } };
	const fdt32_t reg[] = { cpu_to_fdt32(0x30000000), cpu_to_fdt32(0x40000000) };
	struct dt_next next = { .nr_usable = 1 };
	alignas(8) uint8_t fdt[512];
	struct dt from, tree;
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
		next.usable = &usable[i];
		next.elfcorehdr = usable[i];
		tree = make_from(fdt, sizeof(fdt), &next);
		assert_int_equal(linux_pair(&tree, "linux,elfcorehdr", &size),
				 usable[i].start);
		assert_int_equal(size, range_size(usable[i]));
		assert_int_equal(linux_pair(&tree, "linux,usable-memory-range", &size),
				 usable[i].start);
		assert_int_equal(size, range_size(usable[i]));
		dt_free(&tree);
	}
	assert_int_equal(fdt_setprop(fdt, fdt_add_subnode(fdt, 0, "memory"), "reg", reg,
				     sizeof(reg)),
			 0);
	assert_int_equal(dt_open((struct bytes){ fdt, sizeof(fdt) }, &from, &err), 0);
	assert_int_equal(dt_make_next(&from, &next, &tree, &err), -EBADMSG);
	dt_free(&from);
	next.usable = usable;
	next.elfcorehdr = usable[0];
	tree = make_from(fdt, sizeof(fdt), &next);
	assert_int_equal(linux_cells(&tree, "#address-cells"), 1);
	assert_int_equal(linux_cells(&tree, "#size-cells"), 1);
	assert_int_equal(linux_pair(&tree, "linux,elfcorehdr", &size), usable[0].start);
	assert_int_equal(size, range_size(usable[0]));
	dt_free(&tree);
}

/* Under UEFI the tree has a /chosen alone, or, from a loader, not even that. */
static void test_without_chosen(void **state)
{
	alignas(8) uint8_t empty[512];
	struct dt tree;

	(void)state;
	assert_int_equal(fdt_create_empty_tree(empty, sizeof(empty)), 0);
	tree = make_from(empty, sizeof(empty), &usual);
	assert_number(&tree, "linux,initrd-start", INITRD);
	assert_zeroes(&tree, "rng-seed", SEED_SIZE);
	dt_free(&tree);
}

/* Our own output as the next input: nothing piles up but the padding of old values. */
static void test_chain(void **state)
{
	struct dt tree = make(&usual);
	size_t first = tree.size;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct dt next = make_from(tree.data, tree.size, &usual);

		dt_free(&tree);
		tree = next;
	}
	assert_int_equal(tree.size, first);
	assert_int_equal(fdt_num_mem_rsv(tree.data), 2);
	dt_free(&tree);
}

/* Addresses are known after the size has been measured. */
static void test_size_ignores_addresses(void **state)
{
	struct dt_next low = usual;
	struct dt a, b = make(&usual);

	(void)state;
	low.initrd = (struct range){ 0, INITRD_END - INITRD };
	a = make(&low);
	assert_int_equal(a.size, b.size);
	dt_free(&a);
	dt_free(&b);
}

static void test_offsets(void **state)
{
	struct dt tree = make(&usual), bare = make(&(struct dt_next){ 0 });
	struct bytes all = { tree.data, tree.size }, none = { bare.data, bare.size };
	size_t rng = dt_chosen_value(all, "rng-seed", SEED_SIZE);
	int size;

	(void)state;
	assert_ptr_equal(tree.data + rng, find(&tree, "rng-seed", &size));
	assert_int_equal(dt_chosen_value(all, "rng-seed", 128), 0);
	assert_int_equal(dt_chosen_value(none, "rng-seed", SEED_SIZE), 0);
	assert_string_equal((char *)tree.data + dt_chosen_cmdline(all), "root=new ro");
	assert_string_equal((char *)bare.data + dt_chosen_cmdline(none), "");
	assert_int_equal(
		dt_chosen_value((struct bytes){ tree.data, 40 }, "rng-seed", SEED_SIZE),
		0);
	dt_free(&tree);
	dt_free(&bare);
}

/* A firmware that writes a value twice: the kernel would read the first of them. */
static void test_doubled_values(void **state)
{
	alignas(8) uint8_t fdt[1024];
	struct dt tree;

	(void)state;
	assert_int_equal(fdt_create(fdt, sizeof(fdt)), 0);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_begin_node(fdt, "chosen");
	fdt_property_string(fdt, "bootargs", "one");
	fdt_property_string(fdt, "bootargs", "two");
	fdt_property_u64(fdt, "kaslr-seed", 1);
	fdt_property_u64(fdt, "kaslr-seed", 2);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	tree = make_from(fdt, sizeof(fdt), &(struct dt_next){ 0 });
	assert_false(has(&tree, "bootargs"));
	assert_false(has(&tree, "kaslr-seed"));
	dt_free(&tree);
}

static void test_too_large(void **state)
{
	static char cmdline[DT_SIZE_MAX];
	struct fake_dt t;
	struct dt from, out;

	(void)state;
	memset(cmdline, 'a', sizeof(cmdline) - 1);
	fake_dt(&t);
	assert_int_equal(dt_open((struct bytes){ t.data, sizeof(t.data) }, &from, &err),
			 0);
	assert_int_equal(
		dt_make_next(&from, &(struct dt_next){ .cmdline = cmdline }, &out, &err),
		-EFBIG);
	assert_null(out.data);
	assert_non_null(strstr(err.text, "no kernel takes more"));
	dt_free(&from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_values),
		cmocka_unit_test(test_old_values_are_gone),
		cmocka_unit_test(test_the_rest_stays),
		cmocka_unit_test(test_nothing_to_pass),
		cmocka_unit_test(test_initrd_reserved_in_pages),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_crash_one_cell),
		cmocka_unit_test(test_crash_without_cells),
		cmocka_unit_test(test_without_chosen),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_size_ignores_addresses),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_doubled_values),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
