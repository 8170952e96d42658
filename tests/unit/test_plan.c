// SPDX-License-Identifier: GPL-2.0-only
/* Image + machine + request -> plan: where segments go, and boot_params that agree. */
#include "check.h"
#include "plan_scene.h"

#include "purgatory/arch/x86/pgtable.h"

#include <errno.h>

/* Holds for every plan. */
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
		assert_true(ranges_contain(&s->machine.ram, r));
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
	kernel = plan_find(&s->plan, SEGMENT_KERNEL);
	initrd = plan_find(&s->plan, SEGMENT_INITRD);
	seed = plan_find(&s->plan, SEGMENT_SEED);
	purgatory = plan_find(&s->plan, SEGMENT_PURGATORY);
	assert_int_equal(kernel->addr % 0x200000, 0);
	assert_int_equal(kernel->mem_size, FAKE_INIT_SIZE);
	assert_true(kernel->addr > 4 * GIB); /* as high as possible */
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
			 s->plan.boot_data_addr + s->plan.cmdline_offset);
	assert_int_equal(s->plan.segments[0].kind, SEGMENT_BOOT_DATA);
	assert_string_equal(plan_command_line(&s->plan), "console=ttyS0 ro");
	assert_int_equal(bp->hdr.type_of_loader, 0xd0);
	assert_int_equal(bp->acpi_rsdp_addr, 0xf5ae0);
	assert_int_equal(params(s)->boot_data, s->plan.boot_data_addr);
	assert_int_equal(params(s)->kernel_entry, s->plan.kernel_entry);
}

static void test_seed_leads_the_chain(void **state)
{
	struct setup_node nodes[X86_MAX_NODES];
	struct scene *s = *state;
	const struct segment *seed;
	struct setup_data header;

	assert_int_equal(make(s), 0);
	seed = plan_find(&s->plan, SEGMENT_SEED);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.setup_data, seed->addr);
	assert_true(s->plan.has_seed);
	assert_int_equal(s->plan.seed_prefix_size, sizeof(header));
	memcpy(&header, s->plan.seed_prefix, sizeof(header));
	assert_int_equal(header.type, SETUP_RNG_SEED);
	assert_int_equal(header.len, 32);
	assert_int_equal(header.next, 0);
	assert_int_equal(x86_setup_nodes(&s->plan, nodes), 1);
	assert_int_equal(nodes[0].type, SETUP_RNG_SEED);
	assert_int_equal(nodes[0].addr, seed->addr);
	assert_int_equal(nodes[0].len, 32);
	assert_int_equal(s->plan.seed_slot.segment, SEGMENT_SEED);
	assert_int_equal(s->plan.seed_slot.offset, sizeof(header));
	assert_int_equal(plan_seed_addr(&s->plan), seed->addr + sizeof(header));
	assert_int_equal(arch_seed_offset, sizeof(header));
}

static void test_without_seed_and_initrd(void **state)
{
	struct scene *s = *state;

	s->in.seed = false;
	s->in.initrd.size = 0;
	s->in.cmdline = NULL;
	assert_int_equal(make(s), 0);
	assert_sound(s);
	assert_int_equal(s->plan.nr_segments, 3);
	assert_null(plan_find(&s->plan, SEGMENT_SEED));
	assert_false(s->plan.has_seed);
	assert_int_equal(plan_seed_addr(&s->plan), 0);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.setup_data, 0);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.ramdisk_image, 0);
	assert_int_equal(plan_boot_params(&s->plan)->hdr.ramdisk_size, 0);
	assert_string_equal(plan_command_line(&s->plan), "");
}

static void test_old_kernel_stays_below_4g(void **state)
{
	struct scene *s = *state;

	s->image.max_addr = LOW_END;
	add_ram(s, 3 * GIB, 4 * GIB);
	assert_int_equal(make(s), 0);
	assert_sound(s);
	for (size_t i = 0; i < s->plan.nr_segments; i++)
		assert_true(s->plan.segments[i].addr + s->plan.segments[i].mem_size <=
			    4 * GIB);
	assert_true(plan_find(&s->plan, SEGMENT_INITRD)->addr + sizeof(s->initrd) <=
		    s->image.initrd_max);
	assert_int_equal(params(s)->nr_maps, 0);
}

/* Below initrd_addr_max of its header (boot.rst), which is below 4 GiB. */
static void test_old_kernel_finds_its_initrd(void **state)
{
	struct scene *s = *state;
	const struct segment *initrd;

	s->image.max_addr = LOW_END;
	s->image.initrd_max = 0x20000000;
	assert_int_equal(make(s), 0);
	assert_sound(s);
	initrd = plan_find(&s->plan, SEGMENT_INITRD);
	assert_int_equal(initrd->addr + initrd->mem_size, 0x20000000);
}

/* The purgatory maps all segments above 4 GiB and has pages for their tables. */
static void test_high_segments_are_mapped(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		const struct segment *a = &s->plan.segments[i];
		bool mapped =
			a->addr + a->mem_size <= 4 * GIB || a->kind == SEGMENT_PURGATORY;

		for (uint32_t k = 0; k < params(s)->nr_maps; k++)
			mapped = mapped ||
				 (params(s)->maps[k].start <= a->addr &&
				  params(s)->maps[k].end >= a->addr + a->mem_size);
		assert_true(mapped);
	}
	assert_true(params(s)->map_pages >=
		    purgatory_pgt_pages(params(s)->maps, params(s)->nr_maps));
	assert_int_equal(params(s)->map_pool % PAGE, 0);
}

/*
 * Memory that a kernel with 4-level paging cannot use, and that the purgatory cannot map.
 * What comes next may use 4-level paging even if the running kernel does not.
 */
static void test_unmapped_memory_is_left_alone(void **state)
{
	static const uint64_t tib64 = 64ull << 40;
	struct scene *s = *state;

	add_ram(s, tib64 - GIB, tib64 + GIB);
	add_ram(s, PGT_LIMIT, PGT_LIMIT + 4 * GIB);
	for (int i = 0; i < 4; i++) {
		uint64_t top = 0;

		s->arch.cpu.la57 = i & 1;
		s->request.mem_max = i & 2 ? PGT_LIMIT + 4 * GIB : 0;
		plan_free(&s->plan);
		assert_int_equal(make(s), 0);
		assert_sound(s);
		for (size_t k = 0; k < s->plan.nr_segments; k++) {
			uint64_t end = segment_range(&s->plan.segments[k]).end;

			top = end > top ? end : top;
		}
		assert_int_equal(top, tib64);
	}
}

static void test_limits_are_kept(void **state)
{
	struct scene *s = *state;

	s->request.mem_min = 0x8000000;
	s->request.mem_max = 0x10000000;
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

	s->request.mem_max = 0x1800000; /* the kernel fits, nothing else */
	s->request.mem_min = 0x1000000;
	memset(&s->plan, 0x5a, sizeof(s->plan)); /* as on a stack */
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no room for the initrd: 9 KiB"));
	assert_memory_equal(&s->plan, &(struct plan){ 0 }, sizeof(s->plan));
	s->request.mem_max = 0x1100000;
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no room for the kernel"));
	s->request.mem_max = 0x200000;
	assert_int_equal(make(s), -ENOSPC);
	s->request.mem_max = 0;
	s->request.mem_min = UINT64_MAX;
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
	ranges_free(&s->machine.ram);
	add_ram(s, 9 * GIB - 2 * total, 9 * GIB);
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	assert_int_equal(ranges_remove(&s->machine.ram,
				       (struct range){ 0, 9 * GIB - 2 * total + PAGE }),
			 0);
	assert_int_equal(make(s), -ENOSPC);
	add_ram(s, MIB, GIB);
	add_ram(s, 4 * GIB, 9 * GIB);
	s->image.mem_size = 3 * GIB; /* fits above 4 GiB, but is more than 6 GiB / 2 */
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "need 3072 MiB, more than half of the memory "
					    "(3071 MiB)"));
	s->image.mem_size = 6 * GIB; /* so it does if it fits nowhere */
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "need 6144 MiB, more than half"));
}

/* As high as possible at a multiple of its alignment, never below its lowest address. */
static void test_kernel_goes_where_it_asks(void **state)
{
	struct scene *s = *state;

	s->request.mem_max = 9 * GIB - 0x5000;
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_find(&s->plan, SEGMENT_KERNEL)->addr,
			 9 * GIB - 0x200000 - FAKE_INIT_SIZE);
	plan_free(&s->plan);
	s->request.mem_max = s->image.min_addr + FAKE_INIT_SIZE - PAGE;
	assert_int_equal(make(s), -ENOSPC);
	assert_string_equal(s->err.text,
			    "no room for the kernel: 8192 KiB; the largest gap between "
			    "0x1000000 and 0x17fefff has 8188 KiB");
}

/* A 32-bit kernel: all of it as low as possible, in the memory that it maps directly. */
static void test_low_kernel(void **state)
{
	struct scene *s = *state;
	uint64_t addr;

	s->image.low_end = 896 * MIB;
	assert_int_equal(make(s), 0);
	addr = plan_find(&s->plan, SEGMENT_KERNEL)->addr;
	assert_int_equal(addr, s->image.min_addr);
	assert_true(plan_find(&s->plan, SEGMENT_BOOT_DATA)->addr > 896 * MIB);
	plan_free(&s->plan);
	s->image.low_end = addr + FAKE_INIT_SIZE;
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	s->image.low_end--;
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no room for the kernel"));
	assert_null(strstr(s->err.text, "crash region"));
}

static void test_fixed_kernel(void **state)
{
	struct scene *s = *state;

	s->image.fixed = true;
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_find(&s->plan, SEGMENT_KERNEL)->addr, s->image.min_addr);
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
	s->request.mem_max = MIB;
	assert_int_equal(make(s), -ENOSPC);
}

static void test_absurd_sizes(void **state)
{
	struct scene *s = *state;

	s->image.mem_size = UINT64_MAX & ~(PAGE - 1);
	assert_int_equal(make(s), -ENOSPC);
	s->image.mem_size = FAKE_INIT_SIZE;
	s->in.initrd.size = SIZE_MAX;
	assert_int_equal(make(s), -ENOSPC);
}

static void test_command_line_limit(void **state)
{
	struct scene *s = *state;
	char line[2049];

	memset(line, 'x', sizeof(line));
	line[2047] = '\0';
	s->in.cmdline = line;
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	line[2047] = 'x';
	line[2048] = '\0';
	assert_int_equal(make(s), -EINVAL);
	assert_non_null(strstr(s->err.text, "2048 bytes; this kernel takes 2047"));
}

static void test_five_levels(void **state)
{
	struct scene *s = *state;

	s->arch.cpu.la57 = true;
	assert_int_equal(make(s), 0);
	plan_free(&s->plan);
	s->image.arch_flags &= ~X86_FIVE_LEVEL;
	assert_int_equal(make(s), -ENOEXEC);
	assert_non_null(strstr(s->err.text, "uses; boot that one with no5lvl"));
	s->image.arch_flags |= X86_NO_32BIT_ENTRY;
	assert_null(arch_choose_entry(&s->machine, &s->image));
	assert_int_equal(make(s), -ENOEXEC);
	assert_non_null(strstr(s->image.no_file_load, "5-level paging"));
	s->image.arch_flags &= ~X86_NO_32BIT_ENTRY;
	assert_non_null(
		strstr(arch_choose_entry(&s->machine, &s->image), "in 32-bit mode"));
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_purgatory(&s->plan)->entry_mode, PURGATORY_ENTRY_32);
	plan_free(&s->plan);
	assert_null(arch_choose_entry(&s->machine, &s->image)); /* once */
}

/* Finds the node of @type in the boot data, by the path that the next kernel takes. */
static const struct setup_data *walk(const struct scene *s, uint32_t type)
{
	uint64_t addr = plan_boot_params(&s->plan)->hdr.setup_data;
	const struct segment *block = plan_find(&s->plan, SEGMENT_BOOT_DATA);
	const struct segment *seed = plan_find(&s->plan, SEGMENT_SEED);

	while (addr) {
		const struct setup_data *node;
		struct setup_data header;

		if (seed && addr == seed->addr) {
			memcpy(&header, s->plan.seed_prefix, sizeof(header));
			assert_int_not_equal(header.type, type);
			addr = header.next;
			continue;
		}
		assert_in_range(addr, block->addr,
				block->addr + s->plan.boot_data_size - sizeof(header));
		node = (const void *)(s->plan.boot_data + (addr - block->addr));
		if (node->type == type)
			return node;
		addr = node->next;
	}
	return NULL;
}

static void assert_entries(const struct boot_e820_entry *got,
			   const struct memory_entry *want, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(got[i].addr, want[i].addr);
		assert_int_equal(got[i].size, want[i].size);
		assert_int_equal(got[i].type, want[i].type);
	}
}

static void test_map_spills(void **state)
{
	struct setup_node nodes[X86_MAX_NODES];
	struct scene *s = *state;
	const struct setup_data *rest;
	const struct boot_params *bp;

	while (s->machine.firmware.count < 300) {
		uint64_t n = s->machine.firmware.count;

		s->map[s->machine.firmware.count++] =
			(struct memory_entry){ (16 + n) * GIB, PAGE, MEMORY_RESERVED };
	}
	assert_int_equal(make(s), 0);
	bp = plan_boot_params(&s->plan);
	assert_int_equal(bp->e820_entries, 128);
	assert_entries(bp->e820_table, s->map, 128);
	rest = walk(s, SETUP_E820_EXT);
	assert_non_null(rest);
	assert_int_equal(rest->len, (300 - 128) * sizeof(struct boot_e820_entry));
	assert_entries((const void *)rest->data, s->map + 128, 300 - 128);
	assert_int_equal(x86_setup_nodes(&s->plan, nodes), 2);
}

static void test_128_entries_do_not_spill(void **state)
{
	struct scene *s = *state;

	while (s->machine.firmware.count < 128)
		s->map[s->machine.firmware.count++] =
			(struct memory_entry){ 16 * GIB, PAGE, MEMORY_RESERVED };
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
	s->arch.efi = (struct efi){ .present = true,
				    .fw_vendor = 0x1111,
				    .config_table = 0x2222,
				    .smbios = 0x3333,
				    .runtime_map = map,
				    .runtime_map_size = sizeof(map),
				    .desc_size = 48 };
	s->arch.boot_params.efi_info.efi_systab = 0x4444;
	s->arch.boot_params.efi_info.efi_memdesc_version = 1;
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
	assert_memory_equal(s->plan.boot_data + (address(bp->efi_info.efi_memmap,
							 bp->efi_info.efi_memmap_hi) -
						 s->plan.boot_data_addr),
			    map, sizeof(map));
	plan_free(&s->plan);

	s->request.noefi = true;
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
		PLAN_TEST(test_map_spills),
		PLAN_TEST(test_128_entries_do_not_spill),
		PLAN_TEST(test_efi_is_handed_on),
		PLAN_TEST(test_kernel_goes_where_it_asks),
		PLAN_TEST(test_fixed_kernel),
		PLAN_TEST(test_low_kernel),
		PLAN_TEST(test_first_mib_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
