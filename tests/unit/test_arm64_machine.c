// SPDX-License-Identifier: GPL-2.0-only
/* What the loader reads of an arm64 machine, from made-up folders. */
#include "check.h"
#include "fake_dt.h"
#include "tree.h"

#include "arch/arm64/arm64.h"
#include "base/units.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char iomem[] = "09000000-09000fff : pl011@9000000\n"
			    "40000000-7fffffff : System RAM\n"
			    "  40200000-4183ffff : Kernel code\n"
			    "  41840000-41eeffff : reserved\n"
			    "  41ef0000-4226ffff : Kernel data\n"
			    "  48000000-48123fff : reserved\n"
			    "  70000000-77ffffff : Crash kernel\n"
			    "80000000-8000ffff : reserved\n"
			    "8000000000-80ffffffff : System RAM\n";

static const char cpuinfo[] =
	"processor\t: 0\n"
	"Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics cpuid rng\n"
	"CPU implementer\t: 0x00\n\nprocessor\t: 1\nFeatures\t: fp\n";

static struct error err;

struct scene {
	struct tree root;
	struct fake_dt dt;
	struct machine machine;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	tree_make(&s->root);
	tree_put(&s->root, "proc/iomem", iomem);
	tree_put(&s->root, "proc/cpuinfo", cpuinfo);
	fake_dt(&s->dt);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	machine_free(&s->machine);
	tree_remove(&s->root, "");
	free(s);
	return 0;
}

static void put_pages(struct scene *s, uint64_t size)
{
	const uint64_t auxv[] = { AT_HWCAP, 0x3ff, AT_PAGESZ, size, AT_NULL, 0 };

	tree_put_bytes(&s->root, "proc/self/auxv", auxv, sizeof(auxv));
}

static int read_machine(struct scene *s)
{
	tree_put_bytes(&s->root, "sys/firmware/fdt", s->dt.data, sizeof(s->dt.data));
	machine_free(&s->machine);
	return machine_read(s->root.root, &s->machine, &err);
}

static bool is_free(const struct scene *s, uint64_t start, uint64_t end)
{
	return ranges_contain(&s->machine.ram, (struct range){ start, end });
}

static void test_memory(void **state)
{
	struct scene *s = *state;
	const struct range crash = { 0x70000000, 0x78000000 };

	put_pages(s, 4096);
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.page_size, 4096);
	assert_int_equal(s->machine.firmware.count, 0);
	/* the old kernel's own memory may be overwritten, but firmware's not */
	assert_true(is_free(s, 0x40200000, 0x41840000));
	assert_true(is_free(s, 0x41ef0000, 0x48000000));
	assert_false(is_free(s, 0x41ff0000, 0x48001000));
	assert_true(is_free(s, 0x8000000000, 0x8100000000));
	assert_false(is_free(s, 0x80000000, 0x80001000));
	/* of the tree alone */
	assert_false(is_free(s, FIRMWARE, FIRMWARE + 0x1000));
	assert_false(is_free(s, CMA_POOL, CMA_POOL + 0x1000));
	assert_true(is_free(s, CMA_POOL + 0x1000000, crash.start));
	assert_false(is_free(s, crash.start, crash.start + 0x1000));
	assert_memory_equal(&s->machine.crash, &crash, sizeof(crash));
	assert_int_equal(s->machine.kernel_memory[0].start, 0x41ef0000);
	assert_int_equal(s->machine.kernel_memory[0].end, 0x42270000);
}

/* Nothing smaller than a page is free, with each page size. */
static void test_page_sizes(void **state)
{
	static const uint64_t sizes[] = { 4 * KIB, 16 * KIB, 64 * KIB };
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		put_pages(s, sizes[i]);
		assert_int_equal(read_machine(s), 0);
		assert_int_equal(s->machine.page_size, sizes[i]);
		assert_int_equal(s->machine.notes.count, 0);
		for (size_t n = 0; n < s->machine.ram.count; n++) {
			assert_int_equal(s->machine.ram.items[n].start % sizes[i], 0);
			assert_int_equal(s->machine.ram.items[n].end % sizes[i], 0);
		}
		assert_true(is_free(s, align_up(0x48124000, sizes[i]), CMA_POOL));
	}
	put_pages(s, 12345);
	assert_int_equal(read_machine(s), -EINVAL);
	put_pages(s, 0);
	assert_int_equal(read_machine(s), -EINVAL);
	tree_put(&s->root, "proc/self/auxv", "short");
	assert_int_equal(read_machine(s), -EINVAL);
	assert_non_null(strstr(err.text, "proc/self/auxv: has no page size"));
}

/* A capture of before; the machine itself always has the file. */
static void test_page_size_missing(void **state)
{
	struct scene *s = *state;
	struct notes notes = { 0 };
	uint64_t size;

	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.page_size, 4096);
	assert_int_equal(s->machine.notes.count, 1);
	assert_non_null(strstr(s->machine.notes.lines[0], "4 KiB are assumed"));
	assert_int_equal(arm64_page_size_read("", &size, &notes, &err), 0);
	assert_int_equal(size, page_size());
	assert_int_equal(notes.count, 0);
}

static void test_cpu(void **state)
{
	struct scene *s = *state;
	struct arm64_cpu cpu;

	assert_int_equal(arm64_cpu_read(s->root.root, &cpu, &err), 0);
	assert_true(cpu.sha2 && cpu.rndr);
	tree_put(&s->root, "proc/cpuinfo", "Features\t: fp sha2x rngs\n");
	assert_int_equal(arm64_cpu_read(s->root.root, &cpu, &err), 0);
	assert_false(cpu.sha2 || cpu.rndr);
	tree_remove(&s->root, "proc/cpuinfo");
	assert_int_equal(arm64_cpu_read(s->root.root, &cpu, &err), 0);
	assert_false(cpu.sha2 || cpu.rndr);
}

static void test_firmware_of_the_tree(void **state)
{
	struct scene *s = *state;

	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.arch->conduit, PURGATORY_CONDUIT_HVC);
	assert_int_equal(s->machine.arch->dt.uart.type, PURGATORY_UART_PL011);
	assert_int_equal(s->machine.arch->dt.uart.addr, 0x9000000);
	assert_false(s->machine.arch->dt.uefi);
}

static void set_text(struct scene *s, const char *path, const char *name,
		     const char *value)
{
	void *fdt = s->dt.data;
	int node;

	assert_int_equal(fdt_open_into(fdt, fdt, sizeof(s->dt.data)), 0);
	node = fdt_path_offset(fdt, path);
	assert_true(node >= 0);
	assert_int_equal(fdt_setprop_string(fdt, node, name, value), 0);
}

static void test_consoles(void **state)
{
	static const struct {
		const char *path;
		uint32_t type;
		uint64_t addr;
	} cases[] = {
		{ "serial1", PURGATORY_UART_8250_32, 0x900002000 },
		{ "/soc/uart@3000:9600", PURGATORY_UART_8250_32, 0x900002000 },
		{ "/psci", 0, 0 },
		{ "serial2", 0, 0 }, /* an alias of itself */
		{ "/nowhere", 0, 0 },
		{ "", 0, 0 },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		set_text(s, "/chosen", "stdout-path", cases[i].path);
		assert_int_equal(read_machine(s), 0);
		assert_int_equal(s->machine.arch->dt.uart.type, cases[i].type);
		assert_int_equal(s->machine.arch->dt.uart.addr, cases[i].addr);
	}
	/* registers in a way that the purgatory does not know */
	set_text(s, "/chosen", "stdout-path", "serial1");
	fdt_setprop_inplace_u32(s->dt.data, fdt_path_offset(s->dt.data, "/soc/uart@3000"),
				"reg-shift", 3);
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.arch->dt.uart.type, 0);
}

/* A UART of the Raspberry Pi: its binding has neither reg-shift nor reg-io-width. */
static void test_console_without_shift(void **state)
{
	static const struct {
		const char *compatible;
		uint32_t type;
	} cases[] = {
		{ "brcm,bcm2835-aux-uart", PURGATORY_UART_8250_32 },
		{ "ns16550a", PURGATORY_UART_8250 },
	};
	struct scene *s = *state;
	int node;

	set_text(s, "/chosen", "stdout-path", "serial1:115200n8");
	node = fdt_path_offset(s->dt.data, "/soc/uart@3000");
	assert_int_equal(fdt_delprop(s->dt.data, node, "reg-shift"), 0);
	assert_int_equal(fdt_delprop(s->dt.data, node, "reg-io-width"), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		set_text(s, "/soc/uart@3000", "compatible", cases[i].compatible);
		assert_int_equal(read_machine(s), 0);
		assert_int_equal(s->machine.arch->dt.uart.type, cases[i].type);
		assert_int_equal(s->machine.arch->dt.uart.addr, 0x900002000);
	}
}

static void test_conduits(void **state)
{
	struct scene *s = *state;

	set_text(s, "/psci", "method", "smc");
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.arch->conduit, PURGATORY_CONDUIT_SMC);
	set_text(s, "/psci", "method", "hvcs");
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.arch->conduit, PURGATORY_CONDUIT_NONE);
}

/* Under UEFI with ACPI the tree is the stub's: an empty root and /chosen. */
static void make_stub_tree(struct scene *s)
{
	void *fdt = s->dt.data;
	int chosen;

	assert_int_equal(fdt_create_empty_tree(fdt, sizeof(s->dt.data)), 0);
	chosen = fdt_add_subnode(fdt, 0, "chosen");
	assert_int_equal(
		fdt_setprop_u64(fdt, chosen, "linux,uefi-system-table", 0x7fff0018), 0);
	assert_int_equal(
		fdt_setprop_u64(fdt, chosen, "linux,uefi-mmap-start", 0x7e000018), 0);
}

static void test_acpi(void **state)
{
	static const struct {
		uint8_t type, space, access;
		uint32_t uart;
	} cases[] = {
		{ 0x03, 0, 3, PURGATORY_UART_PL011 },
		{ 0x0e, 0, 0, PURGATORY_UART_PL011 },
		{ 0x12, 0, 3, PURGATORY_UART_8250_32 },
		{ 0x00, 0, 1, PURGATORY_UART_8250 },
		{ 0x12, 1, 1, 0 }, /* an I/O port */
		{ 0x77, 0, 1, 0 },
	};
	struct scene *s = *state;
	uint8_t fadt[276] = "FACP", spcr[80] = "SPCR";
	const uint64_t addr = 0x9000000;

	make_stub_tree(s);
	fadt[129] = 3; /* PSCI, by HVC */
	tree_put_bytes(&s->root, "sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	for (size_t i = 0; i < COUNT(cases); i++) {
		spcr[36] = cases[i].type;
		spcr[40] = cases[i].space;
		spcr[43] = cases[i].access;
		memcpy(spcr + 44, &addr, sizeof(addr));
		tree_put_bytes(&s->root, "sys/firmware/acpi/tables/SPCR", spcr,
			       sizeof(spcr));
		assert_int_equal(read_machine(s), 0);
		assert_true(s->machine.arch->dt.uefi);
		assert_int_equal(s->machine.arch->conduit, PURGATORY_CONDUIT_HVC);
		assert_int_equal(s->machine.arch->dt.uart.type, cases[i].uart);
	}
	fadt[129] = 1;
	tree_put_bytes(&s->root, "sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.arch->conduit, PURGATORY_CONDUIT_SMC);
	/* too short to say */
	tree_put_bytes(&s->root, "sys/firmware/acpi/tables/FACP", fadt, 130);
	tree_put_bytes(&s->root, "sys/firmware/acpi/tables/SPCR", spcr, 51);
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(s->machine.arch->conduit, PURGATORY_CONDUIT_NONE);
	assert_int_equal(s->machine.arch->dt.uart.type, 0);
}

static int check(struct scene *s, struct load_request r)
{
	return arch_check_machine(&s->machine, &r, &err);
}

static void test_checks(void **state)
{
	struct scene *s = *state;

	assert_int_equal(read_machine(s), 0);
	assert_int_equal(check(s, (struct load_request){ 0 }), 0);
	assert_int_equal(check(s, (struct load_request){ .noefi = true }), 0);
	assert_int_equal(check(s, (struct load_request){ .target = KEXEC_TARGET_CRASH }),
			 0);
	make_stub_tree(s);
	assert_int_equal(read_machine(s), 0);
	assert_int_equal(check(s, (struct load_request){ 0 }), 0);
	assert_int_equal(check(s, (struct load_request){ .noefi = true }), -EINVAL);
}

/* Without root: neither the tree nor addresses. */
static void test_hidden(void **state)
{
	struct scene *s = *state;

	assert_int_equal(machine_read(s->root.root, &s->machine, &err), 0);
	assert_int_equal(check(s, (struct load_request){ 0 }), -ENODATA);
	assert_non_null(strstr(err.text, "/sys/firmware/fdt: No such file"));
	machine_free(&s->machine);
	tree_put(&s->root, "proc/iomem", "00000000-00000000 : System RAM\n");
	assert_int_equal(machine_read(s->root.root, &s->machine, &err), 0);
	assert_int_equal(check(s, (struct load_request){ .root = "" }), -ENOENT);
	assert_non_null(strstr(err.text, "hides its addresses"));
	machine_free(&s->machine);
	tree_put(&s->root, "proc/iomem",
		 "40000000-40000fff : System RAM\n"
		 "  40000000-40000fff : reserved\n");
	assert_int_equal(read_machine(s), -ENODATA);
}

/* A damaged tree is not the same as none: nothing is loaded. */
static void test_damaged_tree(void **state)
{
	struct scene *s = *state;

	s->dt.data[0] = 0;
	assert_int_equal(read_machine(s), -EBADMSG);
	assert_non_null(strstr(err.text, "damaged device tree"));
}

/*
 * Where guests mapped RAM (lowest address) and their text: 4 KiB pages and 48 bits; 16 KiB
 * and 47, whose RAM lies where the text of the former does; 52 bits; 39 and 36.
 */
static void test_kernel_text(void **state)
{
	static const struct {
		uint64_t ram, text;
	} kernels[] = {
		{ 0xffff000000000000, 0xffffc05400200000 },
		{ 0xffff000000000000, 0xffff800080000000 },
		{ 0xffff800000000000, 0xffffd68bc5a00000 },
		{ 0xffff83f280000000, 0xffffc00080000000 }, /* RAM at random, too */
		{ 0xfff0000000000000, 0xffff800080000000 },
		{ 0xfffe000080000000, 0xffffa00080000000 },
		{ 0xffffff8000000000, 0xffffffc008000000 },
		{ 0xfffffff000000000, 0xfffffff808000000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(kernels); i++) {
		assert_true(arch_is_kernel_text(kernels[i].text, kernels[i].ram));
		assert_false(arch_is_kernel_text(kernels[i].ram, kernels[i].ram));
		assert_false(arch_is_kernel_text(kernels[i].ram + 64 * GIB / 4,
						 kernels[i].ram));
	}
}

/* --dtb: a tree in a file, and memory that it reserves. */
static void test_another_tree(void **state)
{
	struct scene *s = *state;
	void *fdt = s->dt.data;
	char path[80];

	put_pages(s, 4096);
	tree_put_bytes(&s->root, "other", fdt, sizeof(s->dt.data));
	snprintf(path, sizeof(path), "%s/other", s->root.root);
	assert_int_equal(fdt_open_into(fdt, fdt, sizeof(s->dt.data)), 0);
	assert_int_equal(fdt_del_node(fdt, fdt_path_offset(fdt, "/reserved-memory")), 0);
	assert_int_equal(read_machine(s), 0);
	assert_true(is_free(s, CMA_POOL, CMA_POOL + 0x1000));

	assert_int_equal(arch_use_dtb(&s->machine, "/nowhere", &err), -ENOENT);
	assert_string_equal(err.text, "/nowhere: No such file or directory");
	assert_true(fdt_path_offset(s->machine.arch->dt.tree.data, "/reserved-memory") <
		    0);

	assert_int_equal(arch_use_dtb(&s->machine, path, &err), 0);
	assert_false(is_free(s, CMA_POOL, CMA_POOL + 0x1000));
	assert_true(fdt_path_offset(s->machine.arch->dt.tree.data, "/reserved-memory") >
		    0);
}

/* As trees are packaged: firmware fills their memory in. The running kernel's tree stays. */
static void test_tree_without_memory(void **state)
{
	static const struct {
		uint64_t size[2];
		bool uefi;
		int result;
	} cases[] = {
		{ { 0x40000000, 0 }, false, 0 },
		{ { 0, 0x40000000 }, false, 0 },
		{ { 0, 0 }, false, -EINVAL },
		{ { 0, 0 }, true, 0 },
	};
	struct scene *s = *state;
	char path[80];

	snprintf(path, sizeof(path), "%s/other", s->root.root);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const fdt64_t reg[] = { cpu_to_fdt64(0x40000000),
					cpu_to_fdt64(cases[i].size[0]),
					cpu_to_fdt64(0x100000000),
					cpu_to_fdt64(cases[i].size[1]) };
		void *fdt = s->dt.data;

		fake_dt(&s->dt);
		assert_int_equal(read_machine(s), 0);
		set_text(s, "/memory@40000000", "status", "okay");
		assert_int_equal(fdt_setprop(fdt,
					     fdt_path_offset(fdt, "/memory@40000000"),
					     "reg", reg, sizeof(reg)),
				 0);
		if (cases[i].uefi)
			set_text(s, "/chosen", "linux,uefi-system-table", "1234567");
		tree_put_bytes(&s->root, "other", fdt, sizeof(s->dt.data));
		assert_int_equal(arch_use_dtb(&s->machine, path, &err), cases[i].result);
		if (cases[i].result)
			assert_non_null(strstr(err.text, "would not find its memory"));
		fdt = s->machine.arch->dt.tree.data;
		assert_true(!fdt_getprop(fdt, fdt_path_offset(fdt, "/memory@40000000"),
					 "status", NULL) == !!cases[i].result);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_memory),
		TEST(test_page_sizes),
		TEST(test_page_size_missing),
		TEST(test_cpu),
		TEST(test_firmware_of_the_tree),
		TEST(test_consoles),
		TEST(test_console_without_shift),
		TEST(test_conduits),
		TEST(test_acpi),
		TEST(test_checks),
		TEST(test_hidden),
		TEST(test_damaged_tree),
		TEST(test_kernel_text),
		TEST(test_another_tree),
		TEST(test_tree_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
