// SPDX-License-Identifier: GPL-2.0-only
/* A riscv64 machine, described by a device tree or by ACPI, and the purgatory's parameters. */
#include "check.h"
#include "fake_dt.h"
#include "tree.h"

#include "arch/dt/boot_data.h"
#include "arch/riscv64/riscv64.h"
#include "base/units.h"
#include "digest.h"

#include <errno.h>
#include <stdlib.h>

#define UART	  0x10000000u
#define SPCR_SIZE 90

static const char iomem[] = "80000000-bfffffff : System RAM\n"
			    "  80202000-818fffff : Kernel code\n"
			    "  81e00000-81ffffff : Kernel data\n"
			    "  82000000-820fffff : Kernel bss\n";

static struct error err;

struct scene {
	struct tree root;
	struct fake_dt dt;
	struct machine machine;
	uint8_t kernel[4096];
	struct image image;
	struct load_request request;
	struct plan_input in;
	struct plan plan;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	tree_make(&s->root);
	tree_put(&s->root, "proc/iomem", iomem);
	fake_dt(&s->dt);
	s->image = (struct image){ .kernel = { s->kernel, sizeof(s->kernel) },
				   .mem_size = 2 * MIB,
				   .align = 2 * MIB,
				   .low_end = 1ull << 40,
				   .cmdline_max = 1023 };
	s->in = (struct plan_input){ .request = &s->request,
				     .machine = &s->machine,
				     .image = &s->image,
				     .cmdline = "quiet",
				     .seed = true };
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	plan_free(&s->plan);
	machine_free(&s->machine);
	tree_remove(&s->root, "");
	free(s);
	return 0;
}

static int read_machine(struct scene *s)
{
	tree_put_bytes(&s->root, "sys/firmware/fdt", s->dt.data, sizeof(s->dt.data));
	machine_free(&s->machine);
	return machine_read(s->root.root, &s->machine, &err);
}

static const struct purgatory_params *make(struct scene *s)
{
	assert_int_equal(read_machine(s), 0);
	plan_free(&s->plan);
	if (plan_make(&s->in, &s->plan, &err))
		fail_msg("%s", err.text);
	return plan_purgatory(&s->plan);
}

/* Under UEFI with ACPI the tree is the stub's: an empty root and /chosen. */
static void make_stub_tree(struct scene *s)
{
	void *fdt = s->dt.data;
	int chosen;

	assert_int_equal(fdt_create_empty_tree(fdt, sizeof(s->dt.data)), 0);
	chosen = fdt_add_subnode(fdt, 0, "chosen");
	assert_int_equal(fdt_setprop_u64(fdt, chosen, "linux,uefi-system-table", 0xbff18),
			 0);
}

static void put_spcr(struct scene *s, uint8_t type, uint8_t space, uint8_t access,
		     uint64_t addr, size_t size)
{
	uint8_t spcr[SPCR_SIZE] = "SPCR";

	spcr[36] = type;
	spcr[40] = space;
	spcr[43] = access;
	memcpy(spcr + 44, &addr, sizeof(addr));
	tree_put_bytes(&s->root, "sys/firmware/acpi/tables/SPCR", spcr, size);
}

/* As Linux 6.12 shows it of a tree and of ACPI's RHCT. */
static void test_cpu(void **state)
{
	static const struct {
		const char *cpuinfo;
		uint32_t impl, inputs;
	} cases[] = {
		{ "isa\t\t: rv64imafdc_zicsr_zknh_zkr\nhart isa: rv64i\n", DIGEST_CPU_SHA,
		  SEED_INPUT_ZKR | SEED_INPUT_TIME },
		{ "hart\t: 0\nisa\t\t: rv64imafdc_zkr\n", DIGEST_PORTABLE,
		  SEED_INPUT_ZKR | SEED_INPUT_TIME },
		{ "isa\t\t: rv64imafdc_zknhd_zkrx\n\nisa\t: rv64i_zkr\n", DIGEST_PORTABLE,
		  SEED_INPUT_TIME },
		{ "", DIGEST_PORTABLE, SEED_INPUT_TIME },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		tree_put(&s->root, "proc/cpuinfo", cases[i].cpuinfo);
		if (i % 2)
			make_stub_tree(s);
		assert_int_equal(make(s)->digest_impl, cases[i].impl);
		assert_int_equal(plan_purgatory(&s->plan)->mix_inputs, cases[i].inputs);
	}
	s->request.mix_off = true;
	assert_int_equal(make(s)->mix_inputs, 0);
}

static void test_console_of_acpi(void **state)
{
	static const struct {
		uint8_t type, space, access;
		uint32_t uart;
	} cases[] = {
		{ 0x12, 0, 1, PURGATORY_UART_8250 },
		{ 0x12, 0, 3, PURGATORY_UART_8250_32 },
		{ 0x00, 0, 0, PURGATORY_UART_8250 },
		{ 0x12, 1, 1, 0 }, /* an I/O port */
		{ 0x15, 0, 1, 0 }, /* SBI's console */
		{ 0xff, 0xff, 0xff, 0 },
	};
	struct scene *s = *state;

	make_stub_tree(s);
	for (size_t i = 0; i < COUNT(cases); i++) {
		put_spcr(s, cases[i].type, cases[i].space, cases[i].access, UART,
			 SPCR_SIZE);
		assert_int_equal(make(s)->arch.uart_type, cases[i].uart);
		assert_int_equal(plan_purgatory(&s->plan)->arch.uart,
				 cases[i].uart ? UART : 0);
		assert_true(s->machine.arch->dt.uefi);
	}
	put_spcr(s, 0x12, 0, 1, 0, SPCR_SIZE);
	assert_int_equal(make(s)->arch.uart_type, 0);
	for (size_t size = 0; size < SPCR_SIZE; size++) {
		put_spcr(s, 0x12, 0, 1, UART, size);
		assert_int_equal(read_machine(s), 0);
		assert_int_equal(s->machine.arch->dt.uart.type,
				 size < 52 ? 0 : PURGATORY_UART_8250);
	}
	tree_remove(&s->root, "sys/firmware/acpi/tables/SPCR");
	assert_int_equal(make(s)->arch.uart_type, 0);
}

/* The tree's own, the next kernel's, the user's: only that one replaces SBI's console. */
static void test_console(void **state)
{
	struct scene *s = *state;
	const struct purgatory_params *p;

	put_spcr(s, 0x12, 0, 1, UART, SPCR_SIZE);
	assert_int_equal(make(s)->arch.uart_type, PURGATORY_UART_PL011);
	s->in.cmdline = "earlycon=uart8250,mmio,0x20000000 quiet";
	p = make(s);
	assert_int_equal(p->arch.uart_type, PURGATORY_UART_8250);
	assert_int_equal(p->arch.uart, 0x20000000);
	assert_int_equal(p->serial_port, 0);
	assert_int_equal(p->console, PURGATORY_CONSOLE_SERIAL);
	assert_true(
		arch_parse_serial("uart8250,mmio32,0x30000000", &s->request.serial_port));
	s->request.console_serial = true;
	p = make(s);
	assert_int_equal(p->arch.uart_type, PURGATORY_UART_8250_32);
	assert_int_equal(p->arch.uart, 0x30000000);
	assert_true(p->serial_port);
	assert_int_equal(p->console,
			 PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_VERBOSE);
}

/* No kaslr-seed, no map, and nothing behind the purgatory. */
static void test_parameters(void **state)
{
	struct scene *s = *state;
	const struct purgatory_params *p = make(s);
	const struct segment *self = plan_find(&s->plan, SEGMENT_PURGATORY);

	assert_int_equal(p->map_pages, 0);
	assert_int_equal(p->map_pool, self->addr + self->mem_size);
	assert_int_equal(self->mem_size, align_up(p->mem_size, 4096));
	assert_int_equal(p->arch.base_seed, plan_find(&s->plan, SEGMENT_SEED)->addr);
	assert_int_equal(p->arch.rng_seed, plan_seed_addr(&s->plan));
	assert_int_equal(p->arch.kaslr_seed, 0);
	assert_int_equal(p->kernel_memory[0].start, 0x81e00000);
	assert_int_equal(p->kernel_memory[1].end, 0x82100000);
	assert_null(arch_check_plan(&s->plan));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cpu),
		TEST(test_console_of_acpi),
		TEST(test_console),
		TEST(test_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
