// SPDX-License-Identifier: GPL-2.0-only
/* The boot data, field by field: where each comes from, and what is not handed on. */
#include "check.h"
#include "fake_kernel.h"

#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"
#include "base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK	   0x123456000ull
#define SEED	   0x3000ull
#define HEADER	   sizeof(struct setup_data)
#define ENTRY_SIZE sizeof(struct boot_e820_entry)

struct scene {
	struct memory_entry entries[130];
	struct arch_machine arch;
	struct machine machine;
	struct fake_kernel kernel;
	struct image image;
	struct load_request request;
	struct plan_input in;
	struct plan plan;
	struct plan_builder builder;
	struct error err;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct bytes file;

	assert_non_null(s);
	fake_kernel(&s->kernel);
	file = (struct bytes){ s->kernel.file, FAKE_SIZE };
	s->kernel.hdr->loadflags |= KEEP_SEGMENTS;
	s->kernel.hdr->setup_data = 0x1234;
	s->kernel.hdr->hardware_subarch = 7;
	assert_int_equal(bzimage_parse(file, file, &s->image, &s->err), 0);
	s->machine.page_size = X86_PAGE;
	s->machine.arch = &s->arch;
	s->in = (struct plan_input){ .request = &s->request,
				     .machine = &s->machine,
				     .image = &s->image };
	s->plan.memory.entries = s->entries;
	s->plan.boot_data_addr = BLOCK;
	s->builder = (struct plan_builder){ .in = &s->in,
					    .plan = &s->plan,
					    .cmdline = "quiet" };
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	free(s->plan.boot_data);
	free(s);
	return 0;
}

static void add(struct scene *s, uint64_t start, uint64_t end, uint32_t type)
{
	s->entries[s->plan.memory.count++] =
		(struct memory_entry){ start, end - start, type };
}

static void add_segment(struct scene *s, enum segment_kind kind, uint64_t addr)
{
	s->plan.segments[s->plan.nr_segments++] =
		(struct segment){ .kind = kind, .addr = addr };
}

static size_t count_nodes(const struct scene *s)
{
	struct setup_node nodes[X86_MAX_NODES];

	return x86_setup_nodes(&s->plan, nodes);
}

static const struct boot_params *fill(struct scene *s)
{
	free(s->plan.boot_data);
	s->plan.boot_data = NULL;
	assert_int_equal(arch_boot_data_measure(&s->builder, &s->err), 0);
	s->plan.boot_data = calloc(1, s->plan.boot_data_size);
	assert_non_null(s->plan.boot_data);
	arch_boot_data_fill(&s->builder);
	return plan_boot_params(&s->plan);
}

/* As handed to the running kernel, with a value in every field that is read. */
static void boot_with(struct boot_params *bp)
{
	bp->hdr.hardware_subarch = 3;
	bp->screen_info.orig_video_isVGA = 0x70;
	bp->screen_info.ext_mem_k = 0x5555;
	memset(bp->eddbuf, 0x11, sizeof(bp->eddbuf));
	bp->eddbuf_entries = 5;
	memset(bp->edd_mbr_sig_buffer, 0x22, sizeof(bp->edd_mbr_sig_buffer));
	bp->edd_mbr_sig_buf_entries = 6;
	bp->secure_boot = 2;
	/* not handed on */
	bp->hdr.setup_data = 0x6666;
	bp->alt_mem_k = 0x7777;
	bp->e820_entries = 9;
	bp->sentinel = 0xff;
}

static void test_machine(void **state)
{
	struct scene *s = *state;
	const struct boot_params *now = &s->arch.boot_params, *bp;

	boot_with(&s->arch.boot_params);
	s->arch.has_boot_params = true;
	s->arch.rsdp = 0xe0000;
	bp = fill(s);
	assert_int_equal(bp->acpi_rsdp_addr, 0xe0000);
	assert_int_equal(bp->hdr.hardware_subarch, 3);
	assert_int_equal(bp->screen_info.orig_video_isVGA, 0x70);
	assert_int_equal(bp->screen_info.ext_mem_k, 0);
	assert_memory_equal(bp->eddbuf, now->eddbuf, sizeof(bp->eddbuf));
	assert_int_equal(bp->eddbuf_entries, 5);
	assert_memory_equal(bp->edd_mbr_sig_buffer, now->edd_mbr_sig_buffer,
			    sizeof(bp->edd_mbr_sig_buffer));
	assert_int_equal(bp->edd_mbr_sig_buf_entries, 6);
	assert_int_equal(bp->hdr.setup_data, 0);
	assert_int_equal(bp->alt_mem_k, 0);
	assert_int_equal(bp->e820_entries, 0);
	assert_int_equal(bp->sentinel, 0);
	assert_int_equal(bp->secure_boot, 0); /* part of EFI, which is absent */
}

/* They were not read: their bytes mean nothing. */
static void test_no_boot_params(void **state)
{
	struct scene *s = *state;
	const struct boot_params *bp;

	boot_with(&s->arch.boot_params);
	bp = fill(s);
	assert_int_equal(bp->hdr.hardware_subarch, 7); /* the file's own */
	assert_int_equal(bp->screen_info.orig_video_isVGA, 0);
	assert_int_equal(bp->eddbuf_entries, 0);
}

static void test_header(void **state)
{
	struct scene *s = *state;
	const struct boot_params *bp;

	add_segment(s, SEGMENT_INITRD, 0x2223456000);
	s->in.initrd.size = 0x3334567891;
	bp = fill(s);
	assert_int_equal(bp->hdr.header, 0x53726448);
	assert_int_equal(bp->hdr.version, 0x20f);
	assert_int_equal(bp->hdr.init_size, FAKE_INIT_SIZE);
	assert_int_equal(bp->hdr.loadflags, 0);
	assert_int_equal(bp->hdr.setup_data, 0);
	assert_int_equal(bp->hdr.ramdisk_image, 0x23456000);
	assert_int_equal(bp->ext_ramdisk_image, 0x22);
	assert_int_equal(bp->hdr.ramdisk_size, 0x34567891);
	assert_int_equal(bp->ext_ramdisk_size, 0x33);
	assert_int_equal(bp->hdr.cmd_line_ptr,
			 (uint32_t)(BLOCK + s->plan.cmdline_offset));
	assert_int_equal(bp->ext_cmd_line_ptr, 1);
}

/* setup_boot_parameters() in arch/x86/kernel/kexec-bzimage64.c of the kernel. */
static void test_extended_memory(void **state)
{
	static const struct {
		uint64_t start, end;
		uint32_t type, ext, alt;
	} cases[] = {
		{ MIB, 3 * MIB, MEMORY_RAM, 2047, 2047 },
		{ MIB, 3 * MIB, MEMORY_RESERVED, 0, 0 },
		{ 0, 3 * MIB, MEMORY_RAM, 2047, 2047 },
		{ MIB + 1, 3 * MIB, MEMORY_RAM, 0, 0 },
		{ 0, MIB, MEMORY_RAM, 0, 0 },
		{ 0, MIB + 1, MEMORY_RAM, 0, 0 },
		{ 0, MIB + 1025, MEMORY_RAM, 1, 1 },
		{ MIB, MIB + 0xfc00 * 1024ull, MEMORY_RAM, 0xfbff, 0xfbff },
		{ MIB, MIB + 0xfc01 * 1024ull, MEMORY_RAM, 0xfc00, 0xfc00 },
		{ MIB, MIB + 0xfc02 * 1024ull, MEMORY_RAM, 0xfc00, 0xfc01 },
		{ MIB, 8 * GIB, MEMORY_RAM, 0xfc00, 8 * MIB - 1025 },
		{ MIB, MIB + (1ull << 42), MEMORY_RAM, 0xfc00, UINT32_MAX },
		{ MIB, 9 * MIB + (1ull << 42), MEMORY_RAM, 0xfc00, UINT32_MAX },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct boot_params *bp;

		s->plan.memory.count = 0;
		add(s, cases[i].start, cases[i].end, cases[i].type);
		add(s, MIB, 7 * MIB, MEMORY_RAM);
		s->plan.memory.count--; /* the second one does not count */
		bp = fill(s);
		assert_int_equal(bp->screen_info.ext_mem_k, cases[i].ext);
		assert_int_equal(bp->alt_mem_k, cases[i].alt);
	}
}

static void test_block_is_laid_out(void **state)
{
	struct scene *s = *state;

	for (size_t count = 127; count <= COUNT(s->entries); count++) {
		size_t rest = count > 128 ? count - 128 : 0;
		struct setup_node nodes[X86_MAX_NODES];
		const struct boot_params *bp;

		s->plan.memory.count = count;
		bp = fill(s);
		assert_int_equal(s->plan.cmdline_offset, sizeof(struct boot_params));
		assert_string_equal(plan_command_line(&s->plan), "quiet");
		assert_int_equal(bp->e820_entries, count - rest);
		assert_int_equal(s->plan.boot_data_size,
				 align_up(sizeof(struct boot_params) + 16 +
						  (rest ? 16 + rest * 20 : 0),
					  16));
		assert_int_equal(x86_setup_nodes(&s->plan, nodes), rest ? 1 : 0);
		assert_int_equal(bp->hdr.setup_data,
				 rest ? BLOCK + sizeof(struct boot_params) + 16 : 0);
		if (!rest)
			continue;
		assert_int_equal(nodes[0].type, SETUP_E820_EXT);
		assert_int_equal(nodes[0].addr, bp->hdr.setup_data);
		assert_int_equal(nodes[0].len, rest * ENTRY_SIZE);
	}
}

/* Nodes in the order of the chain; the last one ends it. */
static void test_chain(void **state)
{
	static const uint32_t types[] = { SETUP_RNG_SEED, SETUP_EFI, SETUP_E820_EXT };
	uint8_t runtime[48] = { 0 };
	struct setup_node nodes[X86_MAX_NODES];
	struct scene *s = *state;
	uint64_t at;

	s->plan.memory.count = 130;
	add_segment(s, SEGMENT_SEED, SEED);
	s->plan.has_seed = true;
	boot_with(&s->arch.boot_params);
	s->arch.efi = (struct efi){ .present = true,
				    .runtime_map = runtime,
				    .runtime_map_size = sizeof(runtime),
				    .desc_size = 48 };
	at = fill(s)->hdr.setup_data;
	assert_int_equal(plan_boot_params(&s->plan)->secure_boot, 2);
	assert_int_equal(s->plan.seed_prefix_size, HEADER);
	assert_int_equal(plan_seed_addr(&s->plan), SEED + HEADER);
	assert_null(arch_check_plan(&s->plan));
	assert_int_equal(x86_setup_nodes(&s->plan, nodes), COUNT(types));
	for (size_t i = 0; i < COUNT(types); i++) {
		const struct setup_node *n = &nodes[i];
		struct setup_data header;

		memcpy(&header,
		       i ? s->plan.boot_data + n->addr - BLOCK : s->plan.seed_prefix,
		       sizeof(header));
		assert_int_equal(at, n->addr);
		assert_int_equal(n->type, types[i]);
		assert_int_equal(header.type, types[i]);
		assert_int_equal(header.len, n->len);
		at = header.next;
	}
	assert_int_equal(at, 0);
}

/* The seed's bytes follow the header of its node. */
static void test_seed_slot(void **state)
{
	struct scene *s = *state;

	add_segment(s, SEGMENT_SEED, SEED);
	s->plan.has_seed = true;
	assert_int_equal(fill(s)->hdr.setup_data, SEED);
	assert_int_equal(s->plan.seed_slot.segment, SEGMENT_SEED);
	assert_int_equal(s->plan.seed_slot.offset, arch_seed_offset);
	assert_int_equal(count_nodes(s), 1);
}

/* Without its runtime map the firmware cannot be called. */
static void test_efi_needs_its_map(void **state)
{
	struct scene *s = *state;

	s->arch.efi.present = true;
	assert_int_equal(fill(s)->efi_info.efi_memmap_size, 0);
	assert_int_equal(s->plan.boot_data_size, sizeof(struct boot_params) + 16);
	assert_int_equal(count_nodes(s), 0);
}

/* No machine has such a map, but sizes are not trusted. */
static void test_too_large(void **state)
{
	static const struct {
		size_t entries, efi_map;
	} cases[] = {
		{ 128 + UINT32_MAX / 20 + 1, 0 },
		{ SIZE_MAX / 8, 0 },
		{ 0, SIZE_MAX },
		{ 0, SIZE_MAX - sizeof(struct boot_params) - 16 },	/* its end */
		{ 0, SIZE_MAX - sizeof(struct boot_params) - 16 - 14 }, /* rounded up */
		{ 0, SIZE_MAX - sizeof(struct boot_params) - 16 - 50 }, /* and its node */
	};
	struct scene *s = *state;
	uint8_t runtime;

	for (size_t i = 0; i < COUNT(cases); i++) {
		s->plan.memory.count = cases[i].entries;
		s->arch.efi = (struct efi){ .present = cases[i].efi_map,
					    .runtime_map = &runtime,
					    .runtime_map_size = cases[i].efi_map };
		assert_int_equal(arch_boot_data_measure(&s->builder, &s->err),
				 -EOVERFLOW);
		assert_non_null(strstr(s->err.text, "too large"));
	}
}

int main(void)
{
#define BOOT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		BOOT_TEST(test_machine),
		BOOT_TEST(test_no_boot_params),
		BOOT_TEST(test_header),
		BOOT_TEST(test_extended_memory),
		BOOT_TEST(test_block_is_laid_out),
		BOOT_TEST(test_chain),
		BOOT_TEST(test_seed_slot),
		BOOT_TEST(test_efi_needs_its_map),
		BOOT_TEST(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
