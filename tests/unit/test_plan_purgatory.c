// SPDX-License-Identifier: GPL-2.0-only
/* The purgatory's parameters: its place, what it maps, checks, mixes, where it speaks. */
#include "check.h"
#include "plan_scene.h"

#include "digest.h"
#include "purgatory/arch/x86/pgtable.h"
#include "purgatory/blob.h"
#include "seed_mix.h"

#include <errno.h>

/* [blob | zeroes up to mem_size | page tables]; only the parameters differ from the blob. */
static void test_layout(void **state)
{
	struct scene *s = *state;
	const size_t head = sizeof(struct purgatory_params);
	struct bytes blob = purgatory_blob();
	const struct segment *self;

	assert_int_equal(make(s), 0);
	self = plan_find(&s->plan, SEGMENT_PURGATORY);
	assert_int_equal(self->content.size, blob.size);
	assert_memory_equal(self->content.data + head, blob.data + head,
			    blob.size - head);
	assert_int_equal(params(s)->magic, PURGATORY_MAGIC);
	assert_int_equal(params(s)->map_pool,
			 self->addr + align_up(params(s)->mem_size, PAGE));
	assert_int_equal(params(s)->map_pool + params(s)->map_pages * PAGE,
			 self->addr + self->mem_size);
	assert_true(params(s)->entry_offset >= head);
	assert_int_equal(s->plan.entry, self->addr + params(s)->entry_offset);
}

static void test_what_it_is_told(void **state)
{
	struct scene *s = *state;

	s->request.on_corruption = PURGATORY_HALT;
	s->request.console_vga = true;
	s->request.serial_port = 0x2f8;
	s->request.serial_baud = 9600;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->on_corruption, PURGATORY_HALT);
	assert_int_equal(params(s)->console, PURGATORY_CONSOLE_VGA |
						     PURGATORY_CONSOLE_SERIAL |
						     PURGATORY_CONSOLE_VERBOSE);
	assert_int_equal(params(s)->serial_port, 0x2f8);
	assert_int_equal(params(s)->serial_baud, 9600);
	assert_int_equal(params(s)->entry_mode, PURGATORY_ENTRY_64);
	plan_free(&s->plan);
	bzimage_enter_32bit(&s->image);
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->entry_mode, PURGATORY_ENTRY_32);
}

/* Everything that is loaded; the parameters have a digest of their own. */
static void test_checks(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->nr_checks, s->plan.nr_segments);
	for (uint32_t i = 0; i < params(s)->nr_checks; i++) {
		const struct purgatory_check *c = &params(s)->checks[i];
		const struct segment *part = &s->plan.segments[i];
		bool self = part->kind == SEGMENT_PURGATORY;
		uint64_t skip = self ? sizeof(struct purgatory_params) : 0;
		uint64_t end = part->kind == SEGMENT_SEED ? PAGE : part->content.size;

		assert_int_equal(c->kind, segment_code(part->kind));
		assert_int_equal(c->addr, part->addr + skip);
		assert_int_equal(c->size, end - skip);
	}
	plan_free(&s->plan);
	s->request.no_checks = true;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->nr_checks, 0);
}

/* Segments above 4 GiB and nothing else: a normal image does not map the crash region. */
static void test_maps(void **state)
{
	struct scene *s = *state;
	uint32_t nr = 0;

	s->machine.crash = (struct range){ 16 * GIB, 17 * GIB };
	assert_int_equal(make(s), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		const struct segment *part = &s->plan.segments[i];

		if (part->kind == SEGMENT_PURGATORY)
			continue;
		assert_int_equal(params(s)->maps[nr].start, part->addr);
		assert_int_equal(params(s)->maps[nr++].end, part->addr + part->mem_size);
	}
	assert_int_equal(params(s)->nr_maps, nr);
}

/* CPU features that the purgatory may use, and inputs that it mixes. */
static void test_mix(void **state)
{
	struct scene *s = *state;

	s->arch.cpu.rdseed = s->arch.cpu.tsc = s->arch.cpu.sha_ni = true;
	s->request.mix_off = false;
	s->in.generation_id = 0x7fe0018;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_target, plan_find(&s->plan, SEGMENT_SEED)->addr);
	assert_int_equal(params(s)->generation_id, 0x7fe0018);
	assert_int_equal(params(s)->mix_inputs, SEED_INPUT_RDSEED | SEED_INPUT_TSC);
	assert_int_equal(params(s)->digest_impl, DIGEST_CPU_SHA);
	plan_free(&s->plan);

	s->arch.cpu = (struct cpu){ .rdrand = true };
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_inputs, SEED_INPUT_RDRAND);
	assert_int_equal(params(s)->digest_impl, DIGEST_PORTABLE);
	plan_free(&s->plan);

	s->arch.cpu = (struct cpu){ 0 };
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_inputs, 0);
	plan_free(&s->plan);

	s->request.mix_off = true;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_target, 0);
	plan_free(&s->plan);

	s->request.mix_off = false;
	s->in.seed = false;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_target, 0);
}

/* The purgatory maps a generation ID above 4 GiB. */
static void test_high_generation_id(void **state)
{
	struct scene *s = *state;
	const struct purgatory_map *last;

	s->request.mix_off = false;
	s->in.generation_id = 700 * GIB + 0x18;
	assert_int_equal(make(s), 0);
	last = &params(s)->maps[params(s)->nr_maps - 1];
	assert_int_equal(last->start, 700 * GIB + 0x18);
	assert_int_equal(last->end, 700 * GIB + 0x28);
	assert_int_equal(params(s)->map_pages,
			 purgatory_pgt_pages(params(s)->maps, params(s)->nr_maps));
	plan_free(&s->plan);
	s->in.generation_id = PGT_LIMIT;
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "above 128 TiB"));
}

static bool is_mapped(const struct scene *s, uint64_t addr)
{
	return pgt_covers(params(s)->maps, params(s)->nr_maps, addr, 1);
}

/* Linux 5.1 to 5.9 read these before they can handle a page fault. */
static void test_firmware_tables(void **state)
{
	static const struct {
		uint64_t addr;
		bool efi; /* is mapped if EFI is handed on */
		bool mapped;
	} cases[] = {
		{ 20 * GIB, true, true },
		{ 20 * GIB + 35, true, true },
		{ 21 * GIB, true, false },
		{ 22 * GIB, true, false },
		{ 30 * GIB, true, true },
		{ 30 * GIB + 0x1fff, true, true },
		{ 31 * GIB + 0xfff, true, true },
		{ 30 * GIB - 1, false, false },
		{ 30 * GIB + 0x2000, false, false },
		{ 32 * GIB, false, false },
		{ 33 * GIB, false, false },
	};
	struct memory_entry iomem[64] = { { 30 * GIB, 0x2000, MEMORY_ACPI },
					  { 31 * GIB, 0x1000, MEMORY_NVS },
					  { 32 * GIB, 0x1000, MEMORY_RESERVED },
					  { 33 * GIB, 0x1000, MEMORY_RAM },
					  { PGT_LIMIT, 0x1000, MEMORY_ACPI } };
	uint8_t runtime[48] = { 0 };
	struct scene *s = *state;

	s->arch.rsdp = 20 * GIB;
	s->arch.boot_params.efi_info.efi_systab = GIB;
	s->arch.boot_params.efi_info.efi_systab_hi = 5; /* 21 GiB */
	s->arch.efi = (struct efi){ .present = true,
				    .config_table = 22 * GIB,
				    .runtime_map = runtime,
				    .runtime_map_size = sizeof(runtime),
				    .desc_size = 48 };
	for (int pass = 0; pass < 4; pass++) {
		/* from the firmware's map where /proc/iomem is hidden */
		s->machine.iomem = (struct memory_map){ iomem, pass & 2 ? 5 : 0 };
		if (!(pass & 2))
			memcpy(s->map + s->machine.firmware.count, iomem,
			       5 * sizeof(iomem[0]));
		s->machine.firmware.count += pass & 2 ? 0 : 5;
		s->request.noefi = pass & 1;
		assert_int_equal(make(s), 0);
		s->machine.firmware.count -= pass & 2 ? 0 : 5;
		for (size_t i = 0; i < COUNT(cases); i++)
			if (is_mapped(s, cases[i].addr) !=
			    (cases[i].mapped || (cases[i].efi && !s->request.noefi)))
				fail_msg("pass %d, case %zu", pass, i);
		assert_true(params(s)->map_pages >=
			    purgatory_pgt_pages(params(s)->maps, params(s)->nr_maps));
		plan_free(&s->plan);
	}
	/* absurdly many: no more than there is room for */
	for (size_t i = 0; i < COUNT(iomem); i++)
		iomem[i] = (struct memory_entry){ (30 + i) * GIB, 0x1000, MEMORY_NVS };
	s->machine.iomem = (struct memory_map){ iomem, COUNT(iomem) };
	assert_int_equal(make(s), 0);
	assert_in_range(params(s)->nr_maps, 12, PURGATORY_MAX_MAPS);
	assert_true(is_mapped(s, 20 * GIB));
	s->machine.iomem = (struct memory_map){ 0 };
}

/* Without options the purgatory speaks where the next kernel would: its last serial console. */
static void test_next_kernels_console(void **state)
{
	static const struct {
		const char *cmdline;
		uint32_t port; /* 0: no serial console */
	} cases[] = {
		{ "", 0 },
		{ "console=tty0", 0 },
		{ "console=ttyS0", 0x3f8 },
		{ "quiet console=ttyS1,115200n8 ro", 0x2f8 },
		{ "console=ttyS0,9600 console=tty0", 0x3f8 },
		{ "console=ttyS0 console=ttyS3,57600", 0x2e8 },
		{ "console=ttyS2 console=ttyS4", 0x3e8 },
		{ "console=ttyS4", 0 },
		{ "console=ttyS10", 0 },
		{ "console=ttyUSB0", 0 },
		{ "console=0x3f8", 0 },
		{ "myconsole=ttyS0", 0 },
		{ "console=", 0 },
		{ "console", 0 },
		{ "x=\"console=ttyS0\"", 0 },
		{ NULL, 0 },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t port = cases[i].port;

		s->in.cmdline = cases[i].cmdline;
		assert_int_equal(make(s), 0);
		assert_int_equal(params(s)->console, port ? PURGATORY_CONSOLE_SERIAL : 0);
		assert_int_equal(params(s)->serial_port, port ? port : 0x3f8);
		assert_int_equal(params(s)->serial_baud,
				 0); /* the line is set up already */
		plan_free(&s->plan);
	}
}

static void test_requested_console(void **state)
{
	static const struct {
		const char *cmdline;
		bool vga, serial;
		uint32_t port, baud;
		uint32_t want_console, want_port;
	} cases[] = {
		{ "", true, false, 0, 0,
		  PURGATORY_CONSOLE_VGA | PURGATORY_CONSOLE_VERBOSE, 0x3f8 },
		{ "", false, true, 0, 0,
		  PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_VERBOSE, 0x3f8 },
		{ "console=ttyS1", false, true, 0, 9600,
		  PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_VERBOSE, 0x2f8 },
		/* a port alone does not make it talkative */
		{ "", false, false, 0x2e8, 0, PURGATORY_CONSOLE_SERIAL, 0x2e8 },
		/* the request wins */
		{ "console=ttyS1", false, false, 0xc000, 115200, PURGATORY_CONSOLE_SERIAL,
		  0xc000 },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		s->in.cmdline = cases[i].cmdline;
		s->request.console_vga = cases[i].vga;
		s->request.console_serial = cases[i].serial;
		s->request.serial_port = cases[i].port;
		s->request.serial_baud = cases[i].baud;
		assert_int_equal(make(s), 0);
		assert_int_equal(params(s)->console, cases[i].want_console);
		assert_int_equal(params(s)->serial_port, cases[i].want_port);
		assert_int_equal(params(s)->serial_baud, cases[i].baud);
		plan_free(&s->plan);
	}
}

static void test_parse_serial(void **state)
{
	static const struct {
		const char *text;
		uint32_t port;
	} cases[] = {
		{ "ttyS0", 0x3f8 }, { "ttyS1", 0x2f8 },	  { "ttyS2", 0x3e8 },
		{ "ttyS3", 0x2e8 }, { "0x3f8", 0x3f8 },	  { "0x2F8", 0x2f8 },
		{ "0x1", 1 },	    { "0xffff", 0xffff },
	};
	static const char *const refused[] = {
		"",	  "ttyS",	"ttyS4", "ttyS10",  "ttyS00",
		"ttyS0 ", "ttyS0,9600", "ttys0", "ttyUSB0", "tty0",
		"3f8",	  "1016",	"0x",	 "0x0",	    "0x3f8,",
		"0xg",	  "0x10000",	"0X3f8", " ttyS0",  "0x1000003f8",
	};
	uint32_t port;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		port = 0;
		assert_true(arch_parse_serial(cases[i].text, &port));
		assert_int_equal(port, cases[i].port);
	}
	for (size_t i = 0; i < COUNT(refused); i++)
		if (arch_parse_serial(refused[i], &port))
			fail_msg("'%s' is a port", refused[i]);
	assert_string_equal(arch_serial_values, "ttyS0 to ttyS3 or 0xPORT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(test_layout),
		PLAN_TEST(test_what_it_is_told),
		PLAN_TEST(test_checks),
		PLAN_TEST(test_maps),
		PLAN_TEST(test_mix),
		PLAN_TEST(test_high_generation_id),
		PLAN_TEST(test_firmware_tables),
		PLAN_TEST(test_next_kernels_console),
		PLAN_TEST(test_requested_console),
		cmocka_unit_test(test_parse_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
