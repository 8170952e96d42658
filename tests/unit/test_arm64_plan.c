// SPDX-License-Identifier: GPL-2.0-only
/* Plans for arm64: placement with each page size, and the tree as boot data. */
#include "config.h"

#include "check.h"
#include "fake_dt.h"
#include "fake_image.h"

#include "arch/arm64/arm64.h"
#include "arch/dt/boot_data.h"
#include "base/units.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>

#define KERNEL_DATA  0x50000000ull
#define KERNEL_ABOVE 0x50800000ull /* its end */

struct scene {
	struct arch_machine arch;
	struct machine machine;
	union fake_image kernel;
	struct image image;
	uint8_t initrd[10000];
	struct load_request request;
	struct plan_input in;
	struct plan plan;
	struct error err;
};

static void add_ram(struct scene *s, uint64_t start, uint64_t end)
{
	assert_int_equal(ranges_add(&s->machine.ram, (struct range){ start, end }), 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct fake_dt t;

	fake_dt(&t);
	assert_int_equal(dt_open((struct bytes){ t.data, sizeof(t.data) },
				 &s->arch.dt.tree, &s->err),
			 0);
	s->machine.page_size = 4096;
	s->machine.arch = &s->arch;
	s->machine.kernel_memory[0] = (struct range){ KERNEL_DATA, KERNEL_ABOVE };
	fake_image(&s->kernel);
	assert_int_equal(
		linux_image_parse((struct bytes){ s->kernel.file, FAKE_IMAGE_SIZE },
				  FAKE_IMAGE_SIZE, &s->image, &s->err),
		0);
	s->image.kernel = (struct bytes){ s->kernel.file, FAKE_IMAGE_SIZE };
	s->in = (struct plan_input){ .request = &s->request,
				     .machine = &s->machine,
				     .image = &s->image,
				     .initrd = { s->initrd, sizeof(s->initrd) },
				     .cmdline = "root=x",
				     .seed = true };
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	plan_free(&s->plan);
	ranges_free(&s->machine.ram);
	dt_free(&s->arch.dt.tree);
	free(s);
	return 0;
}

static int make(struct scene *s)
{
	plan_free(&s->plan);
	return plan_make(&s->in, &s->plan, &s->err);
}

static struct range place(const struct scene *s, enum segment_kind kind)
{
	const struct segment *found = plan_find(&s->plan, kind);

	assert_non_null(found);
	return segment_range(found);
}

/* What kexec_load() requires of segments. */
static void check_segments(const struct scene *s)
{
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		struct range r = segment_range(&s->plan.segments[i]);

		assert_true(ranges_contain(&s->machine.ram, r));
		assert_int_equal(r.start % s->machine.page_size, 0);
		assert_int_equal(r.end % s->machine.page_size, 0);
		assert_true(s->plan.segments[i].content.size <= range_size(r));
		assert_true(r.end <= KERNEL_DATA || r.start >= KERNEL_ABOVE);
		for (size_t n = 0; n < i; n++) {
			struct range other = segment_range(&s->plan.segments[n]);

			assert_true(r.end <= other.start || r.start >= other.end);
		}
	}
}

static void test_page_sizes(void **state)
{
	static const uint64_t sizes[] = { 4 * KIB, 16 * KIB, 64 * KIB };
	struct scene *s = *state;

	add_ram(s, 0x40000000, 0x80000000);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		s->machine.page_size = sizes[i];
		assert_int_equal(make(s), 0);
		assert_int_equal(s->plan.page_size, sizes[i]);
		check_segments(s);
		assert_int_equal(place(s, SEGMENT_KERNEL).start, 0x40000000);
		assert_int_equal(range_size(place(s, SEGMENT_KERNEL)),
				 align_up(FAKE_IMAGE_SIZE + FAKE_IMAGE_BSS, sizes[i]));
		/* the base seed alone in its page */
		assert_int_equal(range_size(place(s, SEGMENT_SEED)), sizes[i]);
		assert_int_equal(s->plan.kernel_entry, 0x40000000);
	}
}

static void test_lowest_2_mib(void **state)
{
	struct scene *s = *state;

	add_ram(s, 0x40001000, 0x41000000);
	add_ram(s, 0x80000000, 0xc0000000);
	assert_int_equal(make(s), 0);
	assert_int_equal(place(s, SEGMENT_KERNEL).start, 0x40200000);
	check_segments(s);
}

/* Linux 5.7 and older: behind a multiple of 2 MiB, which stays free in front of it. */
static void test_text_offset(void **state)
{
	struct scene *s = *state;

	add_ram(s, 0x40000000, 0x80000000);
	s->image.align_offset = 0x80000;
	for (s->machine.page_size = 4 * KIB; s->machine.page_size <= 64 * KIB;
	     s->machine.page_size *= 4) {
		assert_int_equal(make(s), 0);
		check_segments(s);
		assert_int_equal(place(s, SEGMENT_KERNEL).start, 0x40080000);
		assert_int_equal(
			range_size(place(s, SEGMENT_KERNEL)),
			align_up(FAKE_IMAGE_SIZE + FAKE_IMAGE_BSS, s->machine.page_size));
		assert_int_equal(s->plan.kernel_entry, 0x40080000);
	}
	s->machine.page_size = 64 * KIB;
	s->image.align_offset = 0x81000;
	assert_int_equal(make(s), -ENOEXEC);
}

/* One window of 32 GiB, at a multiple of a GiB, holds kernel and initrd. */
static void test_initrd_window(void **state)
{
	struct scene *s = *state;
	struct range kernel, initrd;

	add_ram(s, 0x40000000, 0x40200000); /* no room for the initrd */
	add_ram(s, 0x840000000 - 0x100000, 0x900000000);
	add_ram(s, 0x8000000000, 0x8100000000);
	s->in.initrd.size = 0x1e0000;
	s->image.mem_size = 0x1ff000;
	assert_int_equal(make(s), -ENOSPC); /* 1 MiB in the window, up to 33 GiB */
	assert_non_null(strstr(s->err.text, "no room for the initrd"));
	s->in.initrd.size = sizeof(s->initrd);
	assert_int_equal(make(s), 0);
	check_segments(s);
	kernel = place(s, SEGMENT_KERNEL);
	initrd = place(s, SEGMENT_INITRD);
	assert_int_equal(kernel.start, 0x40000000);
	assert_int_equal(initrd.end, 0x840000000);
	assert_true(initrd.end <= align_down(kernel.start, GIB) + 32 * GIB);
	/* nothing else has to be near */
	assert_true(place(s, SEGMENT_SEED).start >= 0x8000000000);
}

/* With the kernel high up, the window may reach down from its end. */
static void test_initrd_below(void **state)
{
	struct scene *s = *state;

	add_ram(s, 0x1000000000, 0x1000200000);
	add_ram(s, 0x1010000000, 0x1018000000);
	s->request.mem_min = 0x1010000000;
	assert_int_equal(make(s), 0);
	assert_int_equal(place(s, SEGMENT_KERNEL).start, 0x1010000000);
	check_segments(s);
}

static void test_48_bits(void **state)
{
	struct scene *s = *state;

	add_ram(s, 1ull << 48, (1ull << 48) + GIB);
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "no room for the kernel"));
	add_ram(s, (1ull << 48) - GIB, 1ull << 48);
	assert_int_equal(make(s), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++)
		assert_true(segment_range(&s->plan.segments[i]).end <= 1ull << 48);
}

static void test_seed_slot(void **state)
{
	static const uint8_t zeroes[SEED_SIZE];
	struct scene *s = *state;
	uint64_t rng, kaslr, at;

	add_ram(s, 0x40000000, 0x80000000);
	assert_int_equal(make(s), 0);
	at = place(s, SEGMENT_BOOT_DATA).start;
	assert_int_equal(s->plan.boot_data_addr, at);
	assert_true(dt_seed_offsets(&s->plan, &rng, &kaslr));
	assert_int_equal(s->plan.seed_slot.segment, SEGMENT_BOOT_DATA);
	assert_int_equal(s->plan.seed_slot.offset, rng);
	assert_int_equal(plan_seed_addr(&s->plan), at + rng);
	assert_int_equal(s->plan.seed_prefix_size, 0);
	/* what the digest covers, and what a plan without the purgatory would pass */
	assert_memory_equal(s->plan.boot_data + rng, zeroes, sizeof(zeroes));
	assert_null(arch_check_plan(&s->plan));

	s->in.seed = false;
	assert_int_equal(make(s), 0);
	assert_int_equal(plan_seed_addr(&s->plan), 0);
	assert_null(plan_find(&s->plan, SEGMENT_SEED));
	assert_false(dt_seed_offsets(&s->plan, &rng, &kaslr));
	assert_null(arch_check_plan(&s->plan));
}

static void test_tree_has_the_addresses(void **state)
{
	struct scene *s = *state;
	uint64_t start, end, size;
	const void *fdt;
	struct range initrd;
	int chosen;

	add_ram(s, 0x40000000, 0x80000000);
	assert_int_equal(make(s), 0);
	initrd = place(s, SEGMENT_INITRD);
	fdt = s->plan.boot_data;
	chosen = fdt_path_offset(fdt, "/chosen");
	assert_true(dt_number(fdt, chosen, "linux,initrd-start", &start));
	assert_true(dt_number(fdt, chosen, "linux,initrd-end", &end));
	assert_int_equal(start, initrd.start);
	assert_int_equal(end, initrd.start + sizeof(s->initrd));
	assert_int_equal(fdt_get_mem_rsv(fdt, fdt_num_mem_rsv(fdt) - 1, &start, &size),
			 0);
	assert_int_equal(start, initrd.start);
	assert_int_equal(size, sizeof(s->initrd));
	assert_string_equal(plan_command_line(&s->plan), "root=x");
	s->in.cmdline = NULL;
	assert_int_equal(make(s), 0);
	assert_string_equal(plan_command_line(&s->plan), "");
}

static void test_long_command_line(void **state)
{
	struct scene *s = *state;
	char text[2049];

	add_ram(s, 0x40000000, 0x80000000);
	memset(text, 'a', sizeof(text));
	text[2048] = '\0';
	s->in.cmdline = text;
	assert_int_equal(make(s), -EINVAL);
	assert_non_null(strstr(s->err.text, "has 2048 bytes; this kernel takes 2047"));
	text[2047] = '\0';
	assert_int_equal(make(s), 0);
	assert_string_equal(plan_command_line(&s->plan), text);
}

/* Boot data of a recipe is any bytes. */
static void test_stored_plans(void **state)
{
	struct scene *s = *state;
	struct plan *p = &s->plan;
	size_t offset;

	add_ram(s, 0x40000000, 0x80000000);
	assert_int_equal(make(s), 0);
	offset = p->cmdline_offset++;
	assert_string_equal(arch_check_plan(p), "the command line");
	p->cmdline_offset = offset;
	p->seed_prefix[3] = 1;
	assert_string_equal(arch_check_plan(p), "the seed's page");
	p->seed_prefix[3] = 0;
	p->has_seed = false;
	assert_string_equal(arch_check_plan(p), "the seeds in the device tree");
	p->has_seed = true;
	assert_null(arch_check_plan(p));
	p->boot_data[0] ^= 1;
	assert_string_equal(arch_check_plan(p), "the device tree");
	assert_int_equal(arch_seed_slot(p).segment, SEGMENT_KINDS);
	p->boot_data[0] ^= 1;
	p->boot_data_size--;
	assert_string_equal(arch_check_plan(p), "the device tree");
}

/* A crash region of @size bytes from 1 GiB, with RAM to dump around it. */
static void make_crash(struct scene *s, struct crash_notes *notes, uint64_t size)
{
	static struct crash_note cpu = { 0x81000000, 420 };

	*notes = (struct crash_notes){ .cpus = &cpu,
				       .nr_cpus = 1,
				       .vmcoreinfo = { 0x82000000, 4132 },
				       .text_vaddr = 0xffff800080000000,
				       .text_paddr = 0x80200000,
				       .text_size = 0x1000000,
				       .direct_map = 0xfffeffffc0000000 };
	s->machine.crash = (struct range){ 0x40000000, 0x40000000 + size };
	assert_int_equal(
		memory_map_add(&s->machine.iomem, 0x40000000, 0xbfffffff, MEMORY_RAM), 0);
	add_ram(s, 0x40000000 + size, 0xc0000000);
	s->request.target = KEXEC_TARGET_CRASH;
	s->in.crash = notes;
	memset(s->in.image_id, 0x1d, sizeof(s->in.image_id));
}

/* [image ID twice | control pages | refreshed | image ID | kernel | initrd] */
static void test_crash_layout(void **state)
{
	static const uint64_t sizes[] = { 4 * KIB, 16 * KIB, 64 * KIB };
	struct scene *s = *state;
	struct crash_notes notes;

#ifndef HAVE_ELF
	skip();
#endif
	make_crash(s, &notes, 128 * MIB);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		const uint64_t page = s->machine.page_size = sizes[i];
		struct range fixed, kernel;

		assert_int_equal(make(s), 0);
		assert_int_equal(place(s, SEGMENT_IMAGE_ID).start, 0x40000000);
		assert_int_equal(place(s, SEGMENT_IMAGE_ID_SECOND).start,
				 0x40000000 + page);
		assert_int_equal(s->plan.control_reserve.start, 0x40000000 + 2 * page);
		assert_int_equal(range_size(s->plan.control_reserve), 2 * page);
		fixed = place(s, SEGMENT_IMAGE_ID_STATIC);
		kernel = place(s, SEGMENT_KERNEL);
		assert_int_equal(range_size(fixed), page);
		assert_int_equal(kernel.start % (2 * MIB), 0);
		assert_true(kernel.start > 0x40000000 && fixed.end <= kernel.start);
		assert_true(place(s, SEGMENT_INITRD).start >= kernel.end);
		for (size_t n = 0; n < s->plan.nr_segments; n++) {
			const struct segment *a = &s->plan.segments[n];

			assert_true(range_holds(s->machine.crash, a->addr, a->mem_size));
			assert_true(a->addr >= s->plan.control_reserve.end ||
				    a->addr + a->mem_size <=
					    s->plan.control_reserve.start);
			if (segment_is_refreshed(a->kind))
				assert_true(a->addr + a->mem_size <= fixed.start);
			if (segment_is_image_id(a->kind)) {
				assert_int_equal(a->content.size,
						 sizeof(struct image_id));
				assert_memory_equal(a->content.data, IMAGE_ID_MAGIC,
						    sizeof(IMAGE_ID_MAGIC) - 1);
			}
		}
		assert_null(arch_check_plan(&s->plan));
	}
	memory_map_free(&s->machine.iomem);
}

static void test_crash_tree(void **state)
{
	struct scene *s = *state;
	struct crash_notes notes;
	uint64_t start, size;
	const fdt64_t *usable;
	struct range headers;
	int chosen, length;

#ifndef HAVE_ELF
	skip();
#endif
	make_crash(s, &notes, 128 * MIB);
	s->machine.crash_low = (struct range){ 0x10000000, 0x18000000 };
	assert_int_equal(make(s), 0);
	headers = place(s, SEGMENT_ELFCOREHDR);
	chosen = fdt_path_offset(s->plan.boot_data, "/chosen");
	assert_true(
		dt_pair(s->plan.boot_data, chosen, "linux,elfcorehdr", &start, &size));
	assert_int_equal(start, headers.start);
	assert_int_equal(size, range_size(headers));
	usable = fdt_getprop(s->plan.boot_data, chosen, "linux,usable-memory-range",
			     &length);
	assert_int_equal(length, 32);
	assert_int_equal(fdt64_ld(&usable[0]), 0x40000000);
	assert_int_equal(fdt64_ld(&usable[1]), 128 * MIB);
	assert_int_equal(fdt64_ld(&usable[2]), 0x10000000);
	assert_int_equal(fdt64_ld(&usable[3]), 0x8000000);
	/* in the tree, so not on the command line */
	assert_string_equal(plan_command_line(&s->plan), "root=x");

	/* without a seed, EFI's zeroes would count as one */
	s->in.seed = false;
	assert_int_equal(make(s), 0);
	assert_string_equal(plan_command_line(&s->plan), "root=x");
	s->arch.dt.uefi = true;
	assert_int_equal(make(s), 0);
	assert_string_equal(plan_command_line(&s->plan), PLAN_DISTRUST " root=x");
	s->in.cmdline = "random.trust_bootloader=on";
	assert_int_equal(make(s), 0);
	assert_string_equal(plan_command_line(&s->plan), s->in.cmdline);
	memory_map_free(&s->machine.iomem);
}

static void test_crash_region_too_small(void **state)
{
	struct scene *s = *state;
	struct crash_notes notes;

#ifndef HAVE_ELF
	skip();
#endif
	make_crash(s, &notes, 2 * MIB);
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "crashkernel"));
	s->machine.crash = (struct range){ 0 };
	assert_int_equal(make(s), -ENODEV);
	memory_map_free(&s->machine.iomem);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_page_sizes),
		TEST(test_lowest_2_mib),
		TEST(test_text_offset),
		TEST(test_initrd_window),
		TEST(test_initrd_below),
		TEST(test_48_bits),
		TEST(test_seed_slot),
		TEST(test_tree_has_the_addresses),
		TEST(test_long_command_line),
		TEST(test_stored_plans),
		TEST(test_crash_layout),
		TEST(test_crash_tree),
		TEST(test_crash_region_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
