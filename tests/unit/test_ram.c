// SPDX-License-Identifier: GPL-2.0-only
/* Where a segment may go: tables of what firmware and kernel say, and what is left. */
#include "check.h"

#include "machine/e820.h"
#include "machine/ram.h"

#define MAX 4

struct ram_case {
	struct boot_e820_entry e820[MAX];
	struct range iomem[MAX]; /* its RAM; none: it hides its addresses */
	struct range crash[IOMEM_MAX_CRASH];
	struct range want[MAX];
};

static const struct ram_case cases[] = {
	{ .e820 = { { 0x1000, 0x5000, E820_RAM } }, .want = { { 0x1000, 0x6000 } } },
	/* RAM gives way, whichever comes first */
	{ .e820 = { { 0x1000, 0x5000, E820_RAM }, { 0x3000, 0x1000, E820_RESERVED } },
	  .want = { { 0x1000, 0x3000 }, { 0x4000, 0x6000 } } },
	{ .e820 = { { 0x1000, 0x1000, E820_ACPI }, { 0x1000, 0x5000, E820_RAM } },
	  .want = { { 0x2000, 0x6000 } } },
	{ .e820 = { { 0x1000, 0x3000, E820_RAM }, { 0x2000, 0x4000, E820_RAM } },
	  .want = { { 0x1000, 0x6000 } } },
	/* whole pages */
	{ .e820 = { { 0x1001, 0x2fff, E820_RAM } }, .want = { { 0x2000, 0x4000 } } },
	{ .e820 = { { 0x1000, 0x2fff, E820_RAM } }, .want = { { 0x1000, 0x3000 } } },
	{ .e820 = { { 0x1001, 0x1ffe, E820_RAM }, { 0x4000, 0xfff, E820_RAM } } },
	{ .e820 = { { 0x1000, 0x800, E820_RAM }, { 0x1800, 0x800, E820_RAM } },
	  .want = { { 0x1000, 0x2000 } } },
	{ .e820 = { { UINT64_MAX - 0x800, 0x700, E820_RAM },
		    { 0x1000, 0x1000, E820_RAM } },
	  .want = { { 0x1000, 0x2000 } } },
	/* the kernel's word as well */
	{ .e820 = { { 0x1000, 0x9000, E820_RAM } },
	  .iomem = { { 0x2000, 0x3000 }, { 0x5000, 0x7800 }, { 0xa000, 0xb000 } },
	  .want = { { 0x2000, 0x3000 }, { 0x5000, 0x7000 } } },
	{ .e820 = { { 0x1000, 0x1000, E820_RAM }, { 0x4000, 0x1000, E820_RAM } },
	  .iomem = { { 0x1000, 0x5000 } },
	  .want = { { 0x1000, 0x2000 }, { 0x4000, 0x5000 } } },
	/* without what is for a crash kernel */
	{ .e820 = { { 0x1000, 0x9000, E820_RAM } },
	  .crash = { { 0x2000, 0x3000 }, { 0x5000, 0xa000 } },
	  .want = { { 0x1000, 0x2000 }, { 0x3000, 0x5000 } } },
};

static void test_ram(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct boot_e820_entry entries[MAX];
		struct e820_map map = { entries, 0 };
		struct iomem m = { .hidden = !cases[i].iomem[0].end };
		struct ranges ram = { 0 };
		size_t n = 0;

		for (; map.count < MAX && cases[i].e820[map.count].size; map.count++)
			entries[map.count] = cases[i].e820[map.count];
		for (; n < MAX && cases[i].iomem[n].end; n++)
			assert_int_equal(ranges_add(&m.ram, cases[i].iomem[n]), 0);
		while (m.crash_count < IOMEM_MAX_CRASH &&
		       cases[i].crash[m.crash_count].end) {
			m.crash[m.crash_count] = cases[i].crash[m.crash_count];
			m.crash_count++;
		}
		assert_int_equal(ram_find(&map, &m, &ram), 0);
		for (n = 0; n < MAX && cases[i].want[n].end; n++)
			assert_memory_equal(&ram.items[n], &cases[i].want[n],
					    sizeof(ram.items[n]));
		if (ram.count != n)
			fail_msg("case %zu: %zu ranges", i, ram.count);
		ranges_free(&ram);
		ranges_free(&m.ram);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
