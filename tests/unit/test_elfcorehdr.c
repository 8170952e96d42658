// SPDX-License-Identifier: GPL-2.0-only
/* The ELF core headers, against the kernel's own and on machines made up for a test. */
#include "config.h"

#include "base/file.h"
#include "base/units.h"
#include "machine/e820.h"
#include "plan/elfcorehdr.h"

#include "check.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP 0xffff888000000000ull /* where it maps physical memory */

/* A machine with two processors, a crash kernel in two parts and some RAM. */
struct scene {
	struct boot_e820_entry iomem[16];
	struct dump_note cpus[2];
	struct facts facts;
	struct dump_facts dump;
	uint8_t *block;
	size_t size;
	struct error err;
};

static int setup(void **state)
{
	static struct scene s;

	s = (struct scene){ .cpus = { { 0x13000, 368 }, { 0x53000, 368 } } };
	s.facts.iomem.entries = s.iomem;
	s.facts.crash = (struct range){ 5 * GIB, 5 * GIB + 512 * MIB };
	s.facts.crash_low = (struct range){ 2 * GIB, 2 * GIB + 256 * MIB };
	s.dump = (struct dump_facts){ .cpus = s.cpus,
				      .nr_cpus = 2,
				      .vmcoreinfo = { 0x3ae8000, 0x1024 },
				      .text_vaddr = 0xffffffff9a000000,
				      .text_paddr = 0x1a000000,
				      .text_size = 0x2830000,
				      .direct_map = MAP };
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	free(((struct scene *)*state)->block);
	return 0;
}

static int make(struct scene *s)
{
	free(s->block);
	s->block = NULL;
	return elfcorehdr_make(&s->facts, &s->dump, &s->block, &s->size, &s->err);
}

#ifdef HAVE_ELF

static void add(struct scene *s, uint64_t start, uint64_t end, uint32_t type)
{
	assert_in_range(s->facts.iomem.count, 0, COUNT(s->iomem) - 1);
	s->iomem[s->facts.iomem.count++] =
		(struct boot_e820_entry){ start, end - start, type };
}

/* The headers of the file, checked to be whole. */
static const Elf64_Phdr *headers(struct scene *s, size_t *count)
{
	Elf64_Ehdr e;

	assert_int_equal(make(s), 0);
	assert_string_equal(s->err.text, "");
	assert_int_equal(s->size % PAGE, 0);
	memcpy(&e, s->block, sizeof(e));
	assert_memory_equal(e.e_ident, ELFMAG, SELFMAG);
	assert_int_equal(e.e_type, ET_CORE);
	assert_int_equal(e.e_phoff, sizeof(e));
	*count = e.e_phnum;
	assert_in_range(*count, 1, (s->size - sizeof(e)) / sizeof(Elf64_Phdr));
	for (size_t i = sizeof(e) + *count * sizeof(Elf64_Phdr); i < s->size; i++)
		assert_int_equal(s->block[i], 0);
	return (const Elf64_Phdr *)(s->block + sizeof(e));
}

/* The PT_LOADs of RAM, which are the last ones, are exactly @expected. */
static void assert_ram(struct scene *s, const struct range *expected, size_t count)
{
	const Elf64_Phdr *p;
	size_t total;

	p = headers(s, &total);
	assert_int_equal(total, s->dump.nr_cpus + 2 + count);
	p += s->dump.nr_cpus + 2;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(p[i].p_type, PT_LOAD);
		assert_int_equal(p[i].p_paddr, expected[i].start);
		assert_int_equal(p[i].p_offset, expected[i].start);
		assert_int_equal(p[i].p_vaddr, MAP + expected[i].start);
		assert_int_equal(p[i].p_filesz, range_size(expected[i]));
		assert_int_equal(p[i].p_memsz, range_size(expected[i]));
	}
}

/* Captured guests, and what kexec_file_load() of the same guest made. */
static void test_same_as_the_kernel(void **state)
{
	static const struct {
		const char *name;
		size_t cpus;
		uint64_t hotplug_size;
	} machines[] = {
		{ MACHINES "/crash-256m", 1, 917616 },
		{ MACHINES "/crash-high", 1, 0 },
		{ MACHINES "/crash-4cpus", 4, 917616 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(machines); i++) {
		struct error err = { "" };
		size_t size, expected_size;
		struct dump_facts dump;
		struct facts facts;
		char path[512];
		uint8_t *block;
		char *expected;

		snprintf(path, sizeof(path), "%s/elfcorehdr", machines[i].name);
		assert_int_equal(facts_read(machines[i].name, &facts, &err), 0);
		assert_int_equal(dump_facts_read(machines[i].name, &dump, &err), 0);
		assert_int_equal(dump.nr_cpus, machines[i].cpus);
		assert_int_equal(dump.hotplug_size, machines[i].hotplug_size);
		assert_int_equal(elfcorehdr_make(&facts, &dump, &block, &size, &err), 0);
		assert_string_equal(err.text, "");
		assert_int_equal(file_slurp(path, MIB, &expected, &expected_size), 0);
		assert_int_equal(size, expected_size);
		assert_memory_equal(block, expected, size);
		free(expected);
		free(block);
		dump_facts_free(&dump);
		facts_free(&facts);
	}
}

static void test_notes_and_text(void **state)
{
	struct scene *s = *state;
	const Elf64_Phdr *p;
	size_t count;

	add(s, MIB, 2 * GIB, E820_RAM);
	p = headers(s, &count);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < 3; i++) {
		const struct dump_note *n = i < 2 ? &s->cpus[i] : &s->dump.vmcoreinfo;

		assert_int_equal(p[i].p_type, PT_NOTE);
		assert_int_equal(p[i].p_flags, 0);
		assert_int_equal(p[i].p_offset, n->addr);
		assert_int_equal(p[i].p_paddr, n->addr);
		assert_int_equal(p[i].p_vaddr, 0);
		assert_int_equal(p[i].p_filesz, n->size);
		assert_int_equal(p[i].p_memsz, n->size);
	}
	assert_int_equal(p[3].p_type, PT_LOAD);
	assert_int_equal(p[3].p_flags, PF_R | PF_W | PF_X);
	assert_int_equal(p[3].p_vaddr, 0xffffffff9a000000);
	assert_int_equal(p[3].p_paddr, 0x1a000000);
	assert_int_equal(p[3].p_offset, 0x1a000000);
	assert_int_equal(p[3].p_filesz, 0x2830000);
	assert_int_equal(p[3].p_align, 0);
}

static void test_what_is_left_out(void **state)
{
	static const struct range expected[] = {
		{ MIB, 2 * GIB },
		{ 2 * GIB + 256 * MIB, 3 * GIB + 123 },
		{ 4 * GIB, 5 * GIB },
		{ 5 * GIB + 512 * MIB, 6 * GIB },
	};
	struct scene *s = *state;

	add(s, 0x1000, 0x9fc00, E820_RAM);
	add(s, 0x9fc00, 0xa0000, E820_RESERVED);
	add(s, 0x100000, 3 * GIB + 123, E820_RAM); /* ends within a page */
	add(s, 3 * GIB + 123, 3 * GIB + 4096, E820_ACPI);
	add(s, 4 * GIB, 6 * GIB, E820_RAM);
	add(s, 8 * GIB, 9 * GIB, E820_PMEM);
	assert_ram(s, expected, COUNT(expected));
}

/* Neighbours stay apart, and an entry may begin below the first MiB's end. */
static void test_neighbours(void **state)
{
	static const struct range expected[] = {
		{ MIB, 3 * MIB },
		{ 3 * MIB, 4 * MIB },
		{ 4 * MIB, 2 * GIB },
		{ 2 * GIB + 256 * MIB, 3 * GIB },
	};
	struct scene *s = *state;

	add(s, 0x80000, 3 * MIB, E820_RAM);
	add(s, 3 * MIB, 4 * MIB, E820_RAM);
	add(s, 4 * MIB, 2 * GIB + 128 * MIB, E820_RAM);
	add(s, 2 * GIB + 128 * MIB, 3 * GIB, E820_RAM); /* both lose to the low part */
	add(s, 5 * GIB, 5 * GIB + 512 * MIB, E820_RAM); /* is the crash region */
	assert_ram(s, expected, COUNT(expected));
}

/* crashkernel=X,cma: the crash kernel uses it, so that its content is of no use. */
static void test_cma(void **state)
{
	static const struct range expected[] = { { MIB, GIB }, { GIB + MIB, 2 * GIB } };
	struct range cma = { GIB, GIB + MIB };
	struct scene *s = *state;

	s->facts.crash_cma = (struct ranges){ &cma, 1, 1 };
	add(s, MIB, 2 * GIB, E820_RAM);
	assert_ram(s, expected, COUNT(expected));
}

static void test_no_crash_region(void **state)
{
	static const struct range expected[] = { { MIB, 9 * GIB } };
	struct scene *s = *state;

	s->facts.crash = s->facts.crash_low = (struct range){ 0, 0 };
	add(s, 0, 9 * GIB, E820_RAM);
	assert_ram(s, expected, COUNT(expected));
}

static void test_no_ram(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), -ENODATA);
	assert_non_null(strstr(s->err.text, "/proc/iomem shows no RAM"));
	add(s, 0x1000, 0xa0000, E820_RAM); /* all of it in the first MiB */
	assert_int_equal(make(s), -ENODATA);
	assert_null(s->block);
}

static void test_how_many(void **state)
{
	struct dump_note *many = calloc(65536, sizeof(*many));
	struct scene *s = *state;
	size_t count;

	assert_non_null(many);
	add(s, MIB, 2 * GIB, E820_RAM);
	s->dump.cpus = many;
	s->dump.nr_cpus = 69; /* fill one page to its last byte */
	headers(s, &count);
	assert_int_equal(s->size, PAGE);
	s->dump.nr_cpus = 70;
	headers(s, &count);
	assert_int_equal(s->size, 2 * PAGE);
	s->dump.nr_cpus = PN_XNUM - 4; /* the last number that fits */
	headers(s, &count);
	assert_int_equal(count, PN_XNUM - 1);
	s->dump.nr_cpus++;
	assert_int_equal(make(s), -EOVERFLOW);
	assert_non_null(strstr(s->err.text, "more processors"));
	s->dump.nr_cpus = 65536;
	assert_int_equal(make(s), -EOVERFLOW);
	free(many);
}

#else

static void test_built_without(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), -ENOTSUP);
	assert_non_null(strstr(s->err.text, "use kexec_file_load (-s)"));
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_ELF
		TEST(test_same_as_the_kernel),
		TEST(test_notes_and_text),
		TEST(test_what_is_left_out),
		TEST(test_neighbours),
		TEST(test_cma),
		TEST(test_no_crash_region),
		TEST(test_no_ram),
		TEST(test_how_many),
#else
		TEST(test_built_without),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
