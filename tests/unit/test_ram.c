// SPDX-License-Identifier: GPL-2.0-only
/* machine_find_ram(): where segments may go, from the maps of firmware and kernel. */
#include "check.h"

#include "machine/machine.h"
#include "machine/memory_map.h"

#define MAX  4
#define PAGE 4096

struct ram_case {
	struct memory_entry firmware[MAX];
	struct range iomem[MAX]; /* its RAM; none: addresses are hidden */
	struct range crash[IOMEM_MAX_CRASH];
	struct range want[MAX];
};

static const struct ram_case cases[] = {
	{ .firmware = { { 0x1000, 0x5000, MEMORY_RAM } },
	  .want = { { 0x1000, 0x6000 } } },
	/* RAM gives way in either order */
	{ .firmware = { { 0x1000, 0x5000, MEMORY_RAM },
			{ 0x3000, 0x1000, MEMORY_RESERVED } },
	  .want = { { 0x1000, 0x3000 }, { 0x4000, 0x6000 } } },
	{ .firmware = { { 0x1000, 0x1000, MEMORY_ACPI }, { 0x1000, 0x5000, MEMORY_RAM } },
	  .want = { { 0x2000, 0x6000 } } },
	{ .firmware = { { 0x1000, 0x3000, MEMORY_RAM }, { 0x2000, 0x4000, MEMORY_RAM } },
	  .want = { { 0x1000, 0x6000 } } },
	/* whole pages */
	{ .firmware = { { 0x1001, 0x2fff, MEMORY_RAM } },
	  .want = { { 0x2000, 0x4000 } } },
	{ .firmware = { { 0x1000, 0x2fff, MEMORY_RAM } },
	  .want = { { 0x1000, 0x3000 } } },
	{ .firmware = { { 0x1001, 0x1ffe, MEMORY_RAM }, { 0x4000, 0xfff, MEMORY_RAM } } },
	{ .firmware = { { 0x1000, 0x800, MEMORY_RAM }, { 0x1800, 0x800, MEMORY_RAM } },
	  .want = { { 0x1000, 0x2000 } } },
	{ .firmware = { { UINT64_MAX - 0x800, 0x700, MEMORY_RAM },
			{ 0x1000, 0x1000, MEMORY_RAM } },
	  .want = { { 0x1000, 0x2000 } } },
	/* the kernel has to agree */
	{ .firmware = { { 0x1000, 0x9000, MEMORY_RAM } },
	  .iomem = { { 0x2000, 0x3000 }, { 0x5000, 0x7800 }, { 0xa000, 0xb000 } },
	  .want = { { 0x2000, 0x3000 }, { 0x5000, 0x7000 } } },
	{ .firmware = { { 0x1000, 0x1000, MEMORY_RAM }, { 0x4000, 0x1000, MEMORY_RAM } },
	  .iomem = { { 0x1000, 0x5000 } },
	  .want = { { 0x1000, 0x2000 }, { 0x4000, 0x5000 } } },
	/* without the crash kernel's regions */
	{ .firmware = { { 0x1000, 0x9000, MEMORY_RAM } },
	  .crash = { { 0x2000, 0x3000 }, { 0x5000, 0xa000 } },
	  .want = { { 0x1000, 0x2000 }, { 0x3000, 0x5000 } } },
};

static void test_ram(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct memory_entry entries[MAX];
		struct memory_map map = { entries, 0 };
		struct iomem m = { .hidden = !cases[i].iomem[0].end };
		struct ranges ram = { 0 };
		struct error err = { "" };
		size_t n = 0;

		for (; map.count < MAX && cases[i].firmware[map.count].size; map.count++)
			entries[map.count] = cases[i].firmware[map.count];
		for (; n < MAX && cases[i].iomem[n].end; n++)
			assert_int_equal(ranges_add(&m.ram, cases[i].iomem[n]), 0);
		while (m.crash_count < IOMEM_MAX_CRASH &&
		       cases[i].crash[m.crash_count].end) {
			m.crash[m.crash_count] = cases[i].crash[m.crash_count];
			m.crash_count++;
		}
		assert_int_equal(machine_find_ram(&map, &m, PAGE, &ram, &err), 0);
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
