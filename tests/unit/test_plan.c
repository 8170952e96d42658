// SPDX-License-Identifier: GPL-2.0-only
/* Image + facts + options -> plan: where things go and what boot_params say of it. */
#include "check.h"
#include "plan_scene.h"

#include "purgatory/arch/x86/pgtable.h"

#include <errno.h>

/* What must hold for every plan whatever was asked. */
static void assert_sound(const struct scene *s)
{
	const struct plan *p = &s->plan;

	for (size_t i = 0; i < p->nr_segments; i++) {
		const struct segment *a = &p->segments[i];
		struct range r = { a->addr, a->addr + a->mem_size };

		assert_int_equal(a->addr % PAGE, 0);
		assert_int_equal(a->mem_size % PAGE, 0);
		assert_true(a->mem_size > 0);
		assert_true(a->content.size <= a->mem_size);
		assert_true(a->addr >= MIB);
		assert_true(ranges_contain(&s->facts.ram, r));
		for (size_t k = 0; k < i; k++)
			assert_true(p->segments[k].addr >= r.end ||
				    p->segments[k].addr + p->segments[k].mem_size <=
					    r.start);
	}
}

static void test_segments(void **state)
{
	struct scene *s = *state;
	const struct segment *kernel, *initrd, *seed, *purgatory;
	const struct boot_params *bp;

	assert_int_equal(make(s), 0);
	assert_sound(s);
	assert_int_equal(s->plan.nr_segments, 5);
	kernel = plan_find(&s->plan, PURGATORY_KIND_KERNEL);
	initrd = plan_find(&s->plan, PURGATORY_KIND_INITRD);
	seed = plan_find(&s->plan, PURGATORY_KIND_SEED);
	purgatory = plan_find(&s->plan, PURGATORY_KIND_PURGATORY);
	assert_int_equal(kernel->addr % 0x200000, 0);
	assert_int_equal(kernel->mem_size, FAKE_INIT_SIZE);
	assert_true(kernel->addr > 4 * GIB); /* as high as it can go */
	assert_int_equal(seed->mem_size, PAGE);
	assert_null(seed->content.data); /* a plan holds no secret */
	assert_int_equal(s->plan.kernel_entry, kernel->addr + 0x200);
	assert_int_equal(s->plan.entry, purgatory->addr + params(s)->entry_offset);

	bp = plan_boot_params(&s->plan);
	assert_int_equal(address(bp->hdr.ramdisk_image, bp->ext_ramdisk_image),
			 initrd->addr);
	assert_int_equal(address(bp->hdr.ramdisk_size, bp->ext_ramdisk_size),
			 sizeof(s->initrd));
	assert_int_equal(address(bp->hdr.cmd_line_ptr, bp->ext_cmd_line_ptr),
			 s->plan.boot_params_addr + s->plan.cmdline_offset);
	assert_string_equal(plan_command_line(&s->plan), "console=ttyS0 ro");
	assert_int_equal(bp->hdr.type_of_loader, 0xd0);
	assert_int_equal(bp->acpi_rsdp_addr, 0xf5ae0);
	assert_int_equal(params(s)->boot_data, s->plan.boot_params_addr);
	assert_int_equal(params(s)->kernel_entry, s->plan.kernel_entry);
}

static void test_seed_leads_the_chain(void **state)
{
	struct scene *s = *state;
	const struct segment *seed;

	assert_int_equal(make(s), 0);
	seed = plan_find(&s->plan, PURGATORY_KIND_SEED);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.setup_data, seed->addr);
	assert_true(s->plan.has_seed);
	assert_int_equal(s->plan.seed_header.type, SETUP_RNG_SEED);
	assert_int_equal(s->plan.seed_header.len, 32);
	assert_int_equal(s->plan.seed_header.next, 0);
	assert_int_equal(s->plan.nodes[0].type, SETUP_RNG_SEED);
	assert_int_equal(s->plan.nodes[0].addr, seed->addr);
}

static void test_without_seed_and_initrd(void **state)
{
	struct scene *s = *state;

	s->opts.seed = false;
	s->opts.initrd.size = 0;
	s->opts.command_line = NULL;
	assert_int_equal(make(s), 0);
	assert_sound(s);
	assert_int_equal(s->plan.nr_segments, 3);
	assert_null(plan_find(&s->plan, PURGATORY_KIND_SEED));
	assert_int_equal(plan_boot_params(&s->plan)->hdr.setup_data, 0);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.ramdisk_image, 0);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.ramdisk_size, 0);
	assert_string_equal(plan_command_line(&s->plan), "");
}

static void test_old_kernel_stays_below_4g(void **state)
{
	struct scene *s = *state;

	s->image.above_4g = false;
	add_ram(s, 3 * GIB, 4 * GIB);
	assert_int_equal(make(s), 0);
	assert_sound(s);
	for (size_t i = 0; i < s->plan.nr_segments; i++)
		assert_true(s->plan.segments[i].addr + s->plan.segments[i].mem_size <=
			    4 * GIB);
	assert_true(plan_find(&s->plan, PURGATORY_KIND_INITRD)->addr +
			    sizeof(s->initrd) <=
		    s->image.initrd_max);
	assert_int_equal(params(s)->nr_maps, 0);
}

/* Where its header says, which is below 4 GiB: initrd_addr_max of boot.rst. */
static void test_old_kernel_finds_its_initrd(void **state)
{
	struct scene *s = *state;
	const struct segment *initrd;

	s->image.above_4g = false;
	s->image.initrd_max = 0x20000000;
	assert_int_equal(make(s), 0);
	assert_sound(s);
	initrd = plan_find(&s->plan, PURGATORY_KIND_INITRD);
	assert_int_equal(initrd->addr + initrd->mem_size, 0x20000000);
}

/* What lies above 4 GiB must be in the purgatory's map, with pages enough for it. */
static void test_high_segments_are_mapped(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		const struct segment *a = &s->plan.segments[i];
		bool mapped = a->addr + a->mem_size <= 4 * GIB ||
			      a->kind == PURGATORY_KIND_PURGATORY;

		for (uint32_t k = 0; k < params(s)->nr_maps; k++)
			mapped = mapped ||
				 (params(s)->maps[k].start <= a->addr &&
				  params(s)->maps[k].end >= a->addr + a->mem_size);
		assert_true(mapped);
	}
	assert_true(params(s)->pgt_pages >=
		    purgatory_pgt_pages(params(s)->maps, params(s)->nr_maps));
	assert_int_equal(params(s)->pgt_pool % PAGE, 0);
}

/* With 5-level paging there can be memory that the purgatory cannot map. */
static void test_unmapped_memory_is_left_alone(void **state)
{
	struct scene *s = *state;

	add_ram(s, PGT_LIMIT, PGT_LIMIT + 4 * GIB);
	for (int i = 0; i < 2; i++) {
		plan_free(&s->plan);
		assert_int_equal(make(s), 0);
		assert_sound(s);
		for (size_t k = 0; k < s->plan.nr_segments; k++)
			assert_true(s->plan.segments[k].addr < PGT_LIMIT);
		s->opts.mem_max = PGT_LIMIT + 4 * GIB;
	}
}

static void test_limits_are_kept(void **state)
{
	struct scene *s = *state;

	s->opts.mem_min = 0x8000000;
	s->opts.mem_max = 0x10000000;
	assert_int_equal(make(s), 0);
	assert_sound(s);
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		assert_true(s->plan.segments[i].addr >= 0x8000000);
		assert_true(s->plan.segments[i].addr + s->plan.segments[i].mem_size <=
			    0x10000000);
	}
}

static void test_no_room(void **state)
{
	struct scene *s = *state;

	s->opts.mem_max = 0x1800000; /* the kernel fits, nothing else */
	s->opts.mem_min = 0x1000000;
	memset(&s->plan, 0x5a, sizeof(s->plan)); /* as if it were on the stack */
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no room for the initrd: 9 KiB"));
	assert_memory_equal(&s->plan, &(struct plan){ 0 }, sizeof(s->plan));
	s->opts.mem_max = 0x1100000;
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no room for the kernel"));
	s->opts.mem_max = 0x200000;
	assert_int_equal(make(s), -ENOSPC);
	s->opts.mem_max = 0;
	s->opts.mem_min = UINT64_MAX;
	assert_int_equal(make(s), -ENOSPC);
}

static void test_half_of_memory(void **state)
{
	struct scene *s = *state;
	uint64_t total = 0;

	assert_int_equal(make(s), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++)
		total += s->plan.segments[i].mem_size;
	plan_free(&s->plan);
	ranges_free(&s->facts.ram);
	add_ram(s, 9 * GIB - 2 * total, 9 * GIB);
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	assert_int_equal(ranges_remove(&s->facts.ram,
				       (struct range){ 0, 9 * GIB - 2 * total + PAGE }),
			 0);
	assert_int_equal(make(s), -ENOSPC);
	add_ram(s, MIB, GIB);
	add_ram(s, 4 * GIB, 9 * GIB);
	s->image.mem_size = 3 * GIB; /* fits above 4 GiB, but is more than 6 GiB / 2 */
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "need 3072 MiB, more than half of the memory "
					    "(3071 MiB)"));
}

/* As high as it can be, at a multiple of its alignment; nowhere below its lowest address. */
static void test_kernel_goes_where_it_asks(void **state)
{
	struct scene *s = *state;

	s->opts.mem_max = 9 * GIB - 0x5000;
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_find(&s->plan, PURGATORY_KIND_KERNEL)->addr,
			 9 * GIB - 0x200000 - FAKE_INIT_SIZE);
	plan_free(&s->plan);
	s->opts.mem_max = s->image.min_addr + FAKE_INIT_SIZE - PAGE;
	assert_int_equal(make(s), -ENOSPC);
	assert_string_equal(s->err.text,
			    "no room for the kernel: 8192 KiB between 0x1000000 "
			    "and 0x17ff000");
}

static void test_fixed_kernel(void **state)
{
	struct scene *s = *state;

	s->image.fixed = true;
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_find(&s->plan, PURGATORY_KIND_KERNEL)->addr,
			 s->image.min_addr);
	plan_free(&s->plan);
	s->image.min_addr = UINT64_MAX - PAGE + 1;
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no memory at 0xfffffffffffff000"));
}

static void test_first_mib_is_left_alone(void **state)
{
	struct scene *s = *state;

	s->image.min_addr = 0;
	s->image.mem_size = s->image.align = PAGE;
	s->opts.mem_max = MIB;
	assert_int_equal(make(s), -ENOSPC);
}

static void test_absurd_sizes(void **state)
{
	struct scene *s = *state;

	s->image.mem_size = UINT64_MAX & ~(PAGE - 1);
	assert_int_equal(make(s), -ENOSPC);
	s->image.mem_size = FAKE_INIT_SIZE;
	s->opts.initrd.size = SIZE_MAX;
	assert_int_equal(make(s), -ENOSPC);
}

static void test_command_line_limit(void **state)
{
	struct scene *s = *state;
	char line[2049];

	memset(line, 'x', sizeof(line));
	line[2047] = '\0';
	s->opts.command_line = line;
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	line[2047] = 'x';
	line[2048] = '\0';
	assert_int_equal(make(s), -EINVAL);
	assert_non_null(strstr(s->err.text, "2048 bytes, this kernel takes 2047"));
}

static void test_five_levels(void **state)
{
	struct scene *s = *state;

	s->facts.cpu.la57 = true;
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	s->image.five_level = false;
	assert_int_equal(make(s), -ENOEXEC);
	assert_non_null(
		strstr(s->err.text, "use --entry-32bit, or boot that one with no5lvl"));
	s->image.type = IMAGE_ELF; /* which has no other entry */
	assert_int_equal(make(s), -ENOEXEC);
	assert_non_null(strstr(s->err.text, "uses; boot that one with no5lvl"));
}

/* Finds the node of that type as the next kernel does, and its payload in our memory. */
static const struct setup_data *walk(const struct scene *s, uint32_t type)
{
	uint64_t addr = plan_boot_params(&s->plan)->hdr.setup_data;
	const struct segment *block = plan_find(&s->plan, PURGATORY_KIND_BOOT_DATA);
	const struct segment *seed = plan_find(&s->plan, PURGATORY_KIND_SEED);

	while (addr) {
		const struct setup_data *node;

		if (seed && addr == seed->addr) {
			node = (const void *)&s->plan.seed_header;
		} else {
			assert_in_range(addr, block->addr,
					block->addr + s->plan.params_size);
			node = (const void *)(s->plan.params_block +
					      (addr - block->addr));
		}
		if (node->type == type)
			return node;
		addr = node->next;
	}
	return NULL;
}

static void test_e820_spills(void **state)
{
	struct scene *s = *state;
	const struct setup_data *rest;
	const struct boot_params *bp;

	while (s->facts.e820.count < 300) {
		uint64_t n = s->facts.e820.count;

		s->map[s->facts.e820.count++] =
			(struct boot_e820_entry){ (16 + n) * GIB, PAGE, RESERVED };
	}
	assert_int_equal(make(s), 0);
	bp = plan_boot_params(&s->plan);
	assert_int_equal(bp->e820_entries, 128);
	assert_memory_equal(bp->e820_table, s->map, 128 * sizeof(s->map[0]));
	rest = walk(s, SETUP_E820_EXT);
	assert_non_null(rest);
	assert_int_equal(rest->len, (300 - 128) * sizeof(s->map[0]));
	assert_memory_equal(rest->data, s->map + 128, rest->len);
	assert_int_equal(s->plan.nr_nodes, 2);
}

static void test_128_entries_do_not_spill(void **state)
{
	struct scene *s = *state;

	while (s->facts.e820.count < 128)
		s->map[s->facts.e820.count++] =
			(struct boot_e820_entry){ 16 * GIB, PAGE, RESERVED };
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_boot_params(&s->plan)->e820_entries, 128);
	assert_null(walk(s, SETUP_E820_EXT));
}

static void test_efi_is_handed_on(void **state)
{
	struct scene *s = *state;
	uint8_t map[96];
	const struct setup_data *node;
	const struct boot_params *bp;
	uint64_t words[4];

	memset(map, 0x5a, sizeof(map));
	s->facts.efi = (struct efi_facts){ .present = true,
					   .fw_vendor = 0x1111,
					   .config_table = 0x2222,
					   .smbios = 0x3333,
					   .runtime_map = map,
					   .runtime_map_size = sizeof(map),
					   .desc_size = 48 };
	s->facts.boot_params.efi_info.efi_systab = 0x4444;
	s->facts.boot_params.efi_info.efi_memdesc_version = 1;
	assert_int_equal(make(s), 0);
	bp = plan_boot_params(&s->plan);
	node = walk(s, SETUP_EFI);
	assert_non_null(node);
	assert_int_equal(node->len, 96);
	memcpy(words, node->data, sizeof(words));
	assert_int_equal(words[0], 0x1111);
	assert_int_equal(words[2], 0x2222);
	assert_int_equal(words[3], 0x3333);
	assert_int_equal(bp->efi_info.efi_systab, 0x4444);
	assert_int_equal(bp->efi_info.efi_memdesc_size, 48);
	assert_int_equal(bp->efi_info.efi_memmap_size, sizeof(map));
	assert_memory_equal(s->plan.params_block + (address(bp->efi_info.efi_memmap,
							    bp->efi_info.efi_memmap_hi) -
						    s->plan.boot_params_addr),
			    map, sizeof(map));
	plan_free(&s->plan);

	s->opts.noefi = true;
	assert_int_equal(make(s), 0);
	assert_null(walk(s, SETUP_EFI));
	assert_int_equal(plan_boot_params(&s->plan)->efi_info.efi_loader_signature, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(test_segments),
		PLAN_TEST(test_seed_leads_the_chain),
		PLAN_TEST(test_without_seed_and_initrd),
		PLAN_TEST(test_old_kernel_stays_below_4g),
		PLAN_TEST(test_high_segments_are_mapped),
		PLAN_TEST(test_unmapped_memory_is_left_alone),
		PLAN_TEST(test_limits_are_kept),
		PLAN_TEST(test_no_room),
		PLAN_TEST(test_half_of_memory),
		PLAN_TEST(test_absurd_sizes),
		PLAN_TEST(test_command_line_limit),
		PLAN_TEST(test_five_levels),
		PLAN_TEST(test_old_kernel_finds_its_initrd),
		PLAN_TEST(test_e820_spills),
		PLAN_TEST(test_128_entries_do_not_spill),
		PLAN_TEST(test_efi_is_handed_on),
		PLAN_TEST(test_kernel_goes_where_it_asks),
		PLAN_TEST(test_fixed_kernel),
		PLAN_TEST(test_first_mib_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
