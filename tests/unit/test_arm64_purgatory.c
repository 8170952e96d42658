// SPDX-License-Identifier: GPL-2.0-only
/* The purgatory's parameters and map on a small arm64 machine with RAM above 512 GiB. */
#include "check.h"
#include "fake_dt.h"
#include "fake_image.h"
#include "tree.h"

#include "arch/arm64/arm64.h"
#include "arch/arm64/pgtable.h"
#include "arch/dt/boot_data.h"
#include "base/units.h"
#include "digest.h"
#include "purgatory/blob.h"

#include <elf.h>
#include <stdlib.h>

static const char iomem[] = "09000000-09000fff : pl011@9000000\n"
			    "40000000-5fffffff : System RAM\n"
			    "  41840000-41eeffff : Kernel code\n"
			    "  41ef1000-4226ffff : Kernel data\n"
			    "8000000000-801fffffff : System RAM\n";

static struct error err;

struct scene {
	struct tree root;
	struct fake_dt dt;
	struct machine machine;
	union fake_image kernel;
	struct image image;
	uint8_t initrd[10000];
	struct load_request request;
	struct plan_input in;
	struct plan plan;
};

static int setup(void **state)
{
	const uint64_t auxv[] = { AT_PAGESZ, 16 * KIB, AT_NULL, 0 };
	struct scene *s = calloc(1, sizeof(*s));
	struct bytes file;

	tree_make(&s->root);
	tree_put(&s->root, "proc/iomem", iomem);
	tree_put(&s->root, "proc/cpuinfo", "Features\t: fp asimd sha2\n");
	tree_put_bytes(&s->root, "proc/self/auxv", auxv, sizeof(auxv));
	fake_dt(&s->dt);
	tree_put_bytes(&s->root, "sys/firmware/fdt", s->dt.data, sizeof(s->dt.data));
	assert_int_equal(machine_read(s->root.root, &s->machine, &err), 0);
	fake_image(&s->kernel);
	file = (struct bytes){ s->kernel.file, sizeof(s->kernel.file) };
	assert_int_equal(linux_image_parse(file, file.size, &s->image, &err), 0);
	s->image.kernel = file;
	s->in = (struct plan_input){ .request = &s->request,
				     .machine = &s->machine,
				     .image = &s->image,
				     .initrd = { s->initrd, sizeof(s->initrd) },
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

static const struct purgatory_params *make(struct scene *s)
{
	plan_free(&s->plan);
	if (plan_make(&s->in, &s->plan, &err))
		fail_msg("%s", err.text);
	return plan_purgatory(&s->plan);
}

/* Returns the leaf that maps @addr in the plan's tables, and its size; 0: none. */
static uint64_t find_leaf(const struct scene *s, uint64_t addr)
{
	const struct purgatory_params *p = plan_purgatory(&s->plan);
	uint64_t self = plan_find(&s->plan, SEGMENT_PURGATORY)->addr;
	uint64_t at = p->arch.page_table;

	for (int level = p->arch.va_bits == 48 ? 0 : 1; level <= 3; level++) {
		const uint64_t *table =
			(const void *)(s->plan.purgatory_block + (at - self));
		uint64_t entry = table[addr >> (12 + 9 * (3 - level)) & 511];

		if (!(entry & 1))
			return 0;
		if (level == 3 || !(entry & 2))
			return entry;
		at = entry & 0xfffffffff000;
	}
	return 0;
}

enum { DEVICE = 1 << 2, READ_ONLY = 1 << 7 };
#define NEVER_RUN (3ull << 53)
#define LOOKED_AT (DEVICE | READ_ONLY | NEVER_RUN)

static void assert_mapped(const struct scene *s, struct range r, uint64_t bits)
{
	assert_int_equal(find_leaf(s, r.start) & LOOKED_AT, bits);
	assert_true(find_leaf(s, r.start));
	assert_int_equal(find_leaf(s, r.end - 1) & LOOKED_AT, bits);
	assert_true(find_leaf(s, r.end - 1));
}

static void test_map(void **state)
{
	struct scene *s = *state;
	const struct purgatory_params *p = make(s);
	const uint64_t data = 0x41ef1000, data_end = 0x42270000;
	const struct range uart = { 0x9000000, 0x9000020 };

	assert_int_equal(p->arch.page_table, p->map_pool);
	assert_int_equal(p->arch.va_bits, 48);
	assert_int_equal(p->map_pool % (16 * KIB), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		const struct segment *part = &s->plan.segments[i];
		bool is_written =
			part->kind == SEGMENT_BOOT_DATA || part->kind == SEGMENT_SEED;

		assert_mapped(s, segment_range(part),
			      part->kind == SEGMENT_PURGATORY ? 0
			      : is_written		      ? NEVER_RUN
							      : NEVER_RUN | READ_ONLY);
	}
	assert_mapped(s, uart, DEVICE | NEVER_RUN);
	assert_false(find_leaf(s, uart.start + 0x1000));
	assert_mapped(s, (struct range){ data, data_end }, NEVER_RUN | READ_ONLY);
	assert_false(find_leaf(s, data - 1));
	assert_false(find_leaf(s, data_end));

	s->machine.ram.count = 1; /* below 512 GiB */
	assert_int_equal(make(s)->arch.va_bits, 39);
	assert_mapped(s, segment_range(plan_find(&s->plan, SEGMENT_SEED)), NEVER_RUN);
}

/* The digests cover code and tables, and not the state between them. */
static void test_checks(void **state)
{
	struct scene *s = *state;
	const struct purgatory_params *p = make(s);
	uint64_t self = plan_find(&s->plan, SEGMENT_PURGATORY)->addr;
	size_t found = 0;

	assert_int_equal(p->nr_checks, s->plan.nr_segments + 1);
	for (size_t i = 0; i < p->nr_checks; i++) {
		const struct purgatory_check *c = &p->checks[i];

		if (c->kind != PURGATORY_KIND_PURGATORY)
			continue;
		assert_int_equal(c->addr, found ? p->map_pool : self + sizeof(*p));
		assert_int_equal(c->size, found ? p->map_pages * 16 * KIB
						: purgatory_blob().size - sizeof(*p));
		found++;
	}
	assert_int_equal(found, 2);
}

static void test_caches_off(void **state)
{
	struct scene *s = *state;

	s->request.caches_off = true;
	assert_int_equal(make(s)->arch.page_table, 0);
}

static void test_seed(void **state)
{
	struct scene *s = *state;
	const struct purgatory_params *p = make(s);
	const struct segment *tree = plan_find(&s->plan, SEGMENT_BOOT_DATA);
	uint64_t base = plan_find(&s->plan, SEGMENT_SEED)->addr;

	assert_int_equal(p->mix_target, base);
	assert_int_equal(p->arch.base_seed, base);
	assert_int_equal(p->arch.rng_seed, plan_seed_addr(&s->plan));
	assert_in_range(p->arch.kaslr_seed, tree->addr,
			tree->addr + tree->content.size - 8);
	assert_int_equal(p->arch.conduit, PURGATORY_CONDUIT_HVC);
	assert_int_equal(p->digest_impl, DIGEST_CPU_SHA);
	assert_int_equal(p->mix_inputs, SEED_INPUT_TRNG | SEED_INPUT_CNT);
	assert_null(arch_check_plan(&s->plan));
	((struct purgatory_params *)(void *)s->plan.purgatory_block)->arch.kaslr_seed++;
	assert_non_null(arch_check_plan(&s->plan));

	s->machine.arch->cpu.rndr = true;
	assert_int_equal(make(s)->mix_inputs, SEED_INPUT_RNDR | SEED_INPUT_CNT);
	s->request.mix_off = true;
	p = make(s); /* copied as it is, and the old kernel's data is not mapped */
	assert_int_equal(p->mix_target, 0);
	assert_true(p->arch.base_seed);
	assert_false(find_leaf(s, 0x41ef1000));
	s->in.seed = false;
	assert_int_equal(make(s)->arch.base_seed, 0);
}

static void test_serial(void **state)
{
	static const struct {
		const char *cmdline, *serial;
		uint64_t addr;
		uint32_t type;
	} cases[] = {
		{ "quiet", NULL, 0x9000000, PURGATORY_UART_PL011 },
		{ "earlycon console=ttyS0", NULL, 0x9000000, PURGATORY_UART_PL011 },
		{ "earlycon=pl011,0x100002600000", NULL, 0x100002600000,
		  PURGATORY_UART_PL011 },
		{ "earlycon=uart8250,mmio32,0xfe215040,115200 quiet", NULL, 0xfe215040,
		  PURGATORY_UART_8250_32 },
		{ "earlycon=pl011,0x1000 console=uart,mmio,0x2000", NULL, 0x2000,
		  PURGATORY_UART_8250 },
		{ "xearlycon=pl011,0x1000 earlycon=pl011,1000", NULL, 0x9000000,
		  PURGATORY_UART_PL011 },
		{ "earlycon=pl011,0x1000", "pl011,0x3000", 0x3000, PURGATORY_UART_PL011 },
		{ "", "uart8250,mmio,0xfffffffc", 0xfffffffc, PURGATORY_UART_8250 },
	};
	static const char *const bad[] = { "ttyS0",
					   "0x3f8",
					   "pl011,",
					   "pl011,0x",
					   "pl011,0x1001",
					   "pl011,0x100000000",
					   "pl011,0x1000x",
					   "uart8250,io,0x3f8",
					   "" };
	struct scene *s = *state;
	uint32_t port;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct purgatory_params *p;

		s->in.cmdline = cases[i].cmdline;
		s->request.serial_port = 0;
		if (cases[i].serial)
			assert_true(arch_parse_serial(cases[i].serial,
						      &s->request.serial_port));
		assert_true(arch_check_serial(s->request.serial_port));
		p = make(s);
		assert_int_equal(p->arch.uart, cases[i].addr);
		assert_int_equal(p->arch.uart_type, cases[i].type);
		assert_int_equal(p->console, PURGATORY_CONSOLE_SERIAL);
		assert_mapped(s, (struct range){ cases[i].addr, cases[i].addr + 4 },
			      DEVICE | NEVER_RUN);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(arch_parse_serial(bad[i], &port));
	assert_false(arch_check_serial(3));
	assert_false(arch_check_serial(0x1000));
}

/* Firmware's UART where no map reaches, or at half a register: the kernel is loaded without. */
static void test_impossible_console(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t type;
	} cases[] = {
		{ 0x9000000, PURGATORY_UART_PL011 },
		{ PGT_LIMIT - 0x20, PURGATORY_UART_PL011 },
		{ PGT_LIMIT - 0x1c, 0 },
		{ PGT_LIMIT, 0 },
		{ -(uint64_t)0x10, 0 }, /* its registers would reach beyond 64 bits */
		{ 0x9000002, 0 },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const fdt64_t reg[] = { cpu_to_fdt64(cases[i].addr),
					cpu_to_fdt64(0x1000) };
		const struct purgatory_params *p;

		assert_int_equal(
			fdt_setprop_inplace(s->dt.data,
					    fdt_path_offset(s->dt.data, "/pl011@9000000"),
					    "reg", reg, sizeof(reg)),
			0);
		tree_put_bytes(&s->root, "sys/firmware/fdt", s->dt.data,
			       sizeof(s->dt.data));
		machine_free(&s->machine);
		assert_int_equal(machine_read(s->root.root, &s->machine, &err), 0);
		p = make(s);
		assert_int_equal(p->arch.uart_type, cases[i].type);
		assert_int_equal(p->arch.uart, cases[i].type ? cases[i].addr : 0);
		assert_int_equal(p->console,
				 cases[i].type ? PURGATORY_CONSOLE_SERIAL : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caches_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_serial, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible_console, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
