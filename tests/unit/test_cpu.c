// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/cpu.h"

#include "check.h"
#include "tree.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define MAPS_1G "DirectMap4k: 1 kB\nDirectMap1G: 0 kB\n"
#define MAPS_4K "DirectMap4k: 1 kB\n"

#define CPU(five, gib, bits)                                                             \
	{                                                                                \
		.la57 = five, .gbpages = gib, .physical_bits = bits                      \
	}

static const struct {
	const char *cpuinfo, *meminfo; /* NULL: no such file */
	struct cpu cpu;
} cases[] = {
	{ NULL, NULL, CPU(false, false, 0) },
	{ "", "", CPU(false, false, 0) },
	{ "flags\t\t: fpu la57 pdpe1gb\naddress sizes\t: 46 bits physical, 57 bits "
	  "virtual\n",
	  MAPS_1G, CPU(true, true, 46) },
	/* nogbpages: only the CPU has them */
	{ "flags\t\t: pdpe1gb\naddress sizes\t: 52 bits physical\n", MAPS_4K,
	  CPU(false, false, 52) },
	{ "flags\t\t: pdpe1gb\n", NULL, CPU(false, true, 0) },
	{ NULL, MAPS_1G, CPU(false, false, 0) },
	/* only whole words, only the line of that name, only the first CPU */
	{ "flags\t\t: la57x xla57 pdpe1gb2\nvmx flags\t: la57\nbugs\t\t: la57\n\n"
	  "flags\t\t: la57\naddress sizes\t: 46 bits physical\n",
	  MAPS_1G, CPU(false, false, 0) },
	{ "address sizes\t: 32 bits physical\n", "", CPU(false, false, 32) },
	{ "address sizes\t: 31 bits physical\n", "", CPU(false, false, 0) },
	{ "address sizes\t: 53 bits physical\n", "", CPU(false, false, 0) },
	{ "address sizes\t: many bits physical\n", "", CPU(false, false, 0) },
	{ "address sizes\t: 46 bits virtual\n", "", CPU(false, false, 0) },
	{ "address sizes\t: 46\n", "", CPU(false, false, 0) },
	{ "address sizes\t:\nflags", "", CPU(false, false, 0) },
	{ "no colon\n:\nflags\t: la57", "", CPU(true, false, 0) },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cpu cpu;
		struct tree t;

		tree_make(&t);
		if (cases[i].cpuinfo)
			tree_put(&t, "proc/cpuinfo", cases[i].cpuinfo);
		if (cases[i].meminfo)
			tree_put(&t, "proc/meminfo", cases[i].meminfo);
		assert_int_equal(cpu_read(t.root, &cpu, &(struct error){ "" }), 0);
		assert_int_equal(cpu.la57, cases[i].cpu.la57);
		assert_int_equal(cpu.gbpages, cases[i].cpu.gbpages);
		assert_int_equal(cpu.physical_bits, cases[i].cpu.physical_bits);
		tree_remove(&t, "");
	}
}

/* The purgatory uses the SHA extensions only with all that they depend on. */
static void test_instructions(void **state)
{
	static const struct {
		const char *flags;
		bool sha_ni, rdseed, rdrand, tsc;
	} words[] = {
		{ "ssse3 sse4_1 sha_ni rdseed rdrand tsc", true, true, true, true },
		{ "sse4_1 sha_ni tsc_adjust rdrandx", false, false, false, false },
		{ "ssse3 sha_ni rdseed", false, true, false, false },
		{ "ssse3 sse4_1 tsc", false, false, false, true },
		{ "ssse3 sse4_1 sha_ni rdrand", true, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct cpu cpu;
		char text[128];
		int n = snprintf(text, sizeof(text), "flags\t\t: %s\n", words[i].flags);

		cpu_parse_cpuinfo((struct bytes){ (uint8_t *)text, (size_t)n }, &cpu);
		assert_int_equal(cpu.sha_ni, words[i].sha_ni);
		assert_int_equal(cpu.rdseed, words[i].rdseed);
		assert_int_equal(cpu.rdrand, words[i].rdrand);
		assert_int_equal(cpu.tsc, words[i].tsc);
	}
}

/* /proc/cpuinfo of a machine with thousands of CPUs: its head is enough. */
static void test_large_file(void **state)
{
	static const char first[] = "flags\t\t: la57\n\n";
	const size_t size = 4 << 20;
	char *text = malloc(size);
	struct cpu cpu;
	struct tree t;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	memcpy(text, first, sizeof(first) - 1);
	tree_make(&t);
	tree_put_bytes(&t, "proc/cpuinfo", text, size);
	free(text);
	assert_int_equal(cpu_read(t.root, &cpu, &(struct error){ "" }), 0);
	assert_true(cpu.la57);
	tree_remove(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_large_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
