// SPDX-License-Identifier: GPL-2.0-only
/* The block with boot_params, field by field: what comes from where, and what does not. */
#include "check.h"
#include "fake_kernel.h"

#include "base/units.h"
#include "plan/params_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RAM	 1u
#define RESERVED 2u
#define BLOCK	 0x123456000ull

struct scene {
	struct boot_e820_entry entries[130];
	struct e820_map map;
	struct facts facts;
	struct fake_kernel kernel;
	struct image image;
	struct params_input in;
	struct params_layout layout;
	struct params_addresses at;
	struct plan plan;
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
	assert_int_equal(image_parse(file, file, &s->image, &s->err), 0);
	s->map.entries = s->entries;
	s->in = (struct params_input){ "quiet", &s->map, false };
	s->at = (struct params_addresses){ .block = BLOCK };
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	free(s->plan.params_block);
	free(s);
	return 0;
}

static void add(struct scene *s, uint64_t start, uint64_t end, uint32_t type)
{
	s->entries[s->map.count++] = (struct boot_e820_entry){ start, end - start, type };
}

static const struct boot_params *fill(struct scene *s)
{
	free(s->plan.params_block);
	s->plan = (struct plan){ 0 };
	assert_int_equal(
		params_measure(&s->facts, &s->image, &s->in, &s->layout, &s->err), 0);
	s->plan.params_block = calloc(1, s->layout.size);
	assert_non_null(s->plan.params_block);
	params_fill(&s->plan, &s->layout, &s->at, &s->facts, &s->image, &s->in);
	return plan_boot_params(&s->plan);
}

/* What was handed to the running kernel, with something in every field that is looked at. */
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
	/* not for the next one */
	bp->hdr.setup_data = 0x6666;
	bp->alt_mem_k = 0x7777;
	bp->e820_entries = 9;
	bp->sentinel = 0xff;
}

static void test_machine(void **state)
{
	struct scene *s = *state;
	const struct boot_params *now = &s->facts.boot_params, *bp;

	boot_with(&s->facts.boot_params);
	s->facts.has_boot_params = true;
	s->facts.rsdp = 0xe0000;
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
	assert_int_equal(bp->secure_boot, 0); /* part of EFI, which is not there */
}

/* They were not read: what is in their place is nobody's. */
static void test_no_boot_params(void **state)
{
	struct scene *s = *state;
	const struct boot_params *bp;

	boot_with(&s->facts.boot_params);
	bp = fill(s);
	assert_int_equal(bp->hdr.hardware_subarch, 7); /* the file's own */
	assert_int_equal(bp->screen_info.orig_video_isVGA, 0);
	assert_int_equal(bp->eddbuf_entries, 0);
}

static void test_header(void **state)
{
	struct scene *s = *state;
	const struct boot_params *bp;

	s->at.initrd = 0x2223456000;
	s->at.initrd_size = 0x3334567891;
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
	assert_int_equal(bp->hdr.cmd_line_ptr, (uint32_t)(BLOCK + s->layout.cmdline));
	assert_int_equal(bp->ext_cmd_line_ptr, 1);
}

/* setup_boot_parameters() in arch/x86/kernel/kexec-bzimage64.c of the kernel. */
static void test_extended_memory(void **state)
{
	static const struct {
		uint64_t start, end;
		uint32_t type, ext, alt;
	} cases[] = {
		{ MIB, 3 * MIB, RAM, 2047, 2047 },
		{ MIB, 3 * MIB, RESERVED, 0, 0 },
		{ 0, 3 * MIB, RAM, 2047, 2047 },
		{ MIB + 1, 3 * MIB, RAM, 0, 0 },
		{ 0, MIB, RAM, 0, 0 },
		{ 0, MIB + 1, RAM, 0, 0 },
		{ 0, MIB + 1025, RAM, 1, 1 },
		{ MIB, MIB + 0xfc00 * 1024ull, RAM, 0xfbff, 0xfbff },
		{ MIB, MIB + 0xfc01 * 1024ull, RAM, 0xfc00, 0xfc00 },
		{ MIB, MIB + 0xfc02 * 1024ull, RAM, 0xfc00, 0xfc01 },
		{ MIB, 8 * GIB, RAM, 0xfc00, 8 * MIB - 1025 },
		{ MIB, MIB + (1ull << 42), RAM, 0xfc00, UINT32_MAX },
		{ MIB, 9 * MIB + (1ull << 42), RAM, 0xfc00, UINT32_MAX },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct boot_params *bp;

		s->map.count = 0;
		add(s, cases[i].start, cases[i].end, cases[i].type);
		add(s, MIB, 7 * MIB, RAM);
		s->map.count--; /* the second one is no part of it */
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

		s->map.count = count;
		fill(s);
		assert_int_equal(s->layout.cmdline, sizeof(struct boot_params));
		assert_int_equal(s->layout.cmdline_size, sizeof("quiet"));
		assert_int_equal(s->layout.e820_rest, rest);
		assert_int_equal(s->layout.e820_node,
				 rest ? sizeof(struct boot_params) + 16 : 0);
		assert_int_equal(s->layout.size,
				 align_up(sizeof(struct boot_params) + 16 +
						  (rest ? 16 + rest * 20 : 0),
					  16));
		assert_int_equal(s->plan.nr_nodes, rest ? 1 : 0);
	}
}

/* In the order in which they follow each other; the last one ends the chain. */
static void test_chain(void **state)
{
	static const uint32_t types[] = { SETUP_RNG_SEED, SETUP_EFI, SETUP_E820_EXT };
	uint8_t runtime[48] = { 0 };
	struct scene *s = *state;
	const struct setup_node *n;
	uint64_t at;

	s->map.count = 130;
	s->at.seed = 0x3000;
	boot_with(&s->facts.boot_params);
	s->facts.efi = (struct efi_facts){ .present = true,
					   .runtime_map = runtime,
					   .runtime_map_size = sizeof(runtime),
					   .desc_size = 48 };
	at = fill(s)->hdr.setup_data;
	assert_int_equal(plan_boot_params(&s->plan)->secure_boot, 2);
	assert_int_equal(s->plan.nr_nodes, COUNT(types));
	for (size_t i = 0; i < COUNT(types); i++) {
		const struct setup_data *node = (const void *)&s->plan.seed_header;

		n = &s->plan.nodes[i];
		if (i)
			node = (const void *)(s->plan.params_block + n->addr - BLOCK);
		assert_int_equal(at, n->addr);
		assert_int_equal(n->type, types[i]);
		assert_int_equal(node->type, types[i]);
		assert_int_equal(node->len, n->len);
		at = node->next;
	}
	assert_int_equal(at, 0);
}

/* Without its map there is nothing to call the firmware with. */
static void test_efi_needs_its_map(void **state)
{
	struct scene *s = *state;

	s->facts.efi.present = true;
	fill(s);
	assert_false(s->layout.efi);
	assert_int_equal(s->plan.nr_nodes, 0);
}

/* No machine has such a map, but the sizes come from somewhere else. */
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
		s->map.count = cases[i].entries;
		s->facts.efi = (struct efi_facts){ .present = cases[i].efi_map,
						   .runtime_map = &runtime,
						   .runtime_map_size = cases[i].efi_map };
		assert_int_equal(
			params_measure(&s->facts, &s->image, &s->in, &s->layout, &s->err),
			-EOVERFLOW);
		assert_non_null(strstr(s->err.text, "too large"));
	}
}

int main(void)
{
#define BLOCK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		BLOCK_TEST(test_machine),
		BLOCK_TEST(test_no_boot_params),
		BLOCK_TEST(test_header),
		BLOCK_TEST(test_extended_memory),
		BLOCK_TEST(test_block_is_laid_out),
		BLOCK_TEST(test_chain),
		BLOCK_TEST(test_efi_needs_its_map),
		BLOCK_TEST(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
