// SPDX-License-Identifier: GPL-2.0-only
/* The ELF core headers: compared with the kernel's own, and of invented machines. */
#include "config.h"

#include "base/file.h"
#include "base/units.h"
#include "machine/memory_map.h"
#include "plan/elfcorehdr.h"

#include "check.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096ull
#define MAP  0xffff888000000000ull /* where the kernel maps physical memory */

/* Two CPUs, a crash region in two parts; each test adds RAM. */
struct scene {
	struct memory_entry iomem[16];
	struct crash_note cpus[2];
	struct machine machine;
	struct crash_notes crash;
	uint8_t *block;
	size_t size;
	struct error err;
};

static int setup(void **state)
{
	static struct scene s;

	s = (struct scene){ .cpus = { { 0x13000, 368 }, { 0x53000, 368 } } };
	s.machine.page_size = PAGE;
	s.machine.iomem.entries = s.iomem;
	s.machine.crash = (struct range){ 5 * GIB, 5 * GIB + 512 * MIB };
	s.machine.crash_low = (struct range){ 2 * GIB, 2 * GIB + 256 * MIB };
	s.crash = (struct crash_notes){ .cpus = s.cpus,
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
	return elfcorehdr_make(&s->machine, &s->crash, &s->block, &s->size, &s->err);
}

static void add(struct scene *s, uint64_t start, uint64_t end, uint32_t type)
{
	assert_in_range(s->machine.iomem.count, 0, COUNT(s->iomem) - 1);
	s->iomem[s->machine.iomem.count++] =
		(struct memory_entry){ start, end - start, type };
}

/* The program headers, after checking the file around them. */
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

/* The last headers, the PT_LOADs of RAM, are exactly @expected. */
static void assert_ram(struct scene *s, const struct range *expected, size_t count)
{
	const Elf64_Phdr *p;
	size_t total;

	p = headers(s, &total);
	assert_int_equal(total, s->crash.nr_cpus + 2 + count);
	p += s->crash.nr_cpus + 2;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(p[i].p_type, PT_LOAD);
		assert_int_equal(p[i].p_paddr, expected[i].start);
		assert_int_equal(p[i].p_offset, expected[i].start);
		assert_int_equal(p[i].p_vaddr, MAP + expected[i].start);
		assert_int_equal(p[i].p_filesz, range_size(expected[i]));
		assert_int_equal(p[i].p_memsz, range_size(expected[i]));
	}
}

/* Captured guests, each with the headers that its kexec_file_load() made. */
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
		struct crash_notes crash;
		struct machine machine;
		char path[512];
		uint8_t *block;
		char *expected;

		snprintf(path, sizeof(path), "%s/elfcorehdr", machines[i].name);
		assert_int_equal(machine_read(machines[i].name, &machine, &err), 0);
		assert_int_equal(crash_notes_read(machines[i].name, &crash, &err), 0);
		assert_int_equal(crash.nr_cpus, machines[i].cpus);
		assert_int_equal(crash.hotplug_size, machines[i].hotplug_size);
		assert_int_equal(elfcorehdr_make(&machine, &crash, &block, &size, &err),
				 0);
		assert_string_equal(err.text, "");
		assert_int_equal(file_slurp(path, MIB, &expected, &expected_size), 0);
		assert_int_equal(size, expected_size);
		assert_memory_equal(block, expected, size);
		free(expected);
		free(block);
		crash_notes_free(&crash);
		machine_free(&machine);
	}
}

static void test_notes_and_text(void **state)
{
	struct scene *s = *state;
	const Elf64_Phdr *p;
	size_t count;

	add(s, MIB, 2 * GIB, MEMORY_RAM);
	p = headers(s, &count);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < 3; i++) {
		const struct crash_note *n = i < 2 ? &s->cpus[i] : &s->crash.vmcoreinfo;

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

static void test_exclusions(void **state)
{
	static const struct range expected[] = {
		{ MIB, 2 * GIB },
		{ 2 * GIB + 256 * MIB, 3 * GIB + 123 },
		{ 4 * GIB, 5 * GIB },
		{ 5 * GIB + 512 * MIB, 6 * GIB },
	};
	struct scene *s = *state;

	add(s, 0x1000, 0x9fc00, MEMORY_RAM);
	add(s, 0x9fc00, 0xa0000, MEMORY_RESERVED);
	add(s, 0x100000, 3 * GIB + 123, MEMORY_RAM); /* ends within a page */
	add(s, 3 * GIB + 123, 3 * GIB + 4096, MEMORY_ACPI);
	add(s, 4 * GIB, 6 * GIB, MEMORY_RAM);
	add(s, 8 * GIB, 9 * GIB, MEMORY_PMEM);
	assert_ram(s, expected, COUNT(expected));
}

/* Adjacent entries are not merged, and an entry may begin below the first MiB's end. */
static void test_adjacent_entries(void **state)
{
	static const struct range expected[] = {
		{ MIB, 3 * MIB },
		{ 3 * MIB, 4 * MIB },
		{ 4 * MIB, 2 * GIB },
		{ 2 * GIB + 256 * MIB, 3 * GIB },
	};
	struct scene *s = *state;

	add(s, 0x80000, 3 * MIB, MEMORY_RAM);
	add(s, 3 * MIB, 4 * MIB, MEMORY_RAM);
	add(s, 4 * MIB, 2 * GIB + 128 * MIB, MEMORY_RAM);
	add(s, 2 * GIB + 128 * MIB, 3 * GIB, MEMORY_RAM); /* the low region cuts both */
	add(s, 5 * GIB, 5 * GIB + 512 * MIB, MEMORY_RAM); /* the crash region */
	assert_ram(s, expected, COUNT(expected));
}

/* crashkernel=X,cma: not dumped, because the crash kernel uses it. */
static void test_cma(void **state)
{
	static const struct range expected[] = { { MIB, GIB }, { GIB + MIB, 2 * GIB } };
	struct range cma = { GIB, GIB + MIB };
	struct scene *s = *state;

	s->machine.crash_cma = (struct ranges){ &cma, 1, 1 };
	add(s, MIB, 2 * GIB, MEMORY_RAM);
	assert_ram(s, expected, COUNT(expected));
}

static void test_no_crash_region(void **state)
{
	static const struct range expected[] = { { MIB, 9 * GIB } };
	struct scene *s = *state;

	s->machine.crash = s->machine.crash_low = (struct range){ 0, 0 };
	add(s, 0, 9 * GIB, MEMORY_RAM);
	assert_ram(s, expected, COUNT(expected));
}

static void test_no_ram(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), -ENODATA);
	assert_non_null(strstr(s->err.text, "/proc/iomem shows no RAM"));
	add(s, 0x1000, 0xa0000, MEMORY_RAM); /* all in the first MiB */
	assert_int_equal(make(s), -ENODATA);
	assert_null(s->block);
}

static void test_how_many(void **state)
{
	struct crash_note *many = calloc(65536, sizeof(*many));
	struct scene *s = *state;
	size_t count;

	assert_non_null(many);
	add(s, MIB, 2 * GIB, MEMORY_RAM);
	s->crash.cpus = many;
	s->crash.nr_cpus = 69; /* fills one page to its last byte */
	headers(s, &count);
	assert_int_equal(s->size, PAGE);
	s->crash.nr_cpus = 70;
	headers(s, &count);
	assert_int_equal(s->size, 2 * PAGE);
	s->crash.nr_cpus = PN_XNUM - 4; /* the last number that fits */
	headers(s, &count);
	assert_int_equal(count, PN_XNUM - 1);
	s->crash.nr_cpus++;
	assert_int_equal(make(s), -EOVERFLOW);
	assert_non_null(strstr(s->err.text, "more CPUs"));
	s->crash.nr_cpus = 65536;
	assert_int_equal(make(s), -EOVERFLOW);
	free(many);
}

static int check(struct scene *s)
{
	return elfcorehdr_check(&s->machine, (struct bytes){ s->block, s->size },
				&s->err);
}

/* After a refresh: the headers against RAM as it is now. */
static void test_check(void **state)
{
	struct scene *s = *state;
	Elf64_Ehdr *e;

	add(s, 0x1000, 0x9fc00, MEMORY_RAM);
	add(s, MIB, 3 * GIB, MEMORY_RAM);
	add(s, 4 * GIB, 6 * GIB, MEMORY_RAM);
	assert_int_equal(make(s), 0);
	assert_int_equal(check(s), 0);
	s->iomem[2].size += 128 * MIB; /* added to a range */
	assert_int_equal(check(s), -ENOTSUP);
	assert_non_null(strstr(s->err.text, "memory was added or removed"));
	s->iomem[2].size -= 256 * MIB; /* removed */
	assert_int_equal(check(s), -ENOTSUP);
	s->iomem[2].size += 128 * MIB;
	add(s, 8 * GIB, 8 * GIB + 128 * MIB, MEMORY_RESERVED);
	assert_int_equal(check(s), 0);
	s->iomem[3].type = MEMORY_RAM; /* a range of its own */
	assert_int_equal(check(s), -ENOTSUP);
	/* what nobody dumps does not count */
	s->iomem[3].addr = s->machine.crash.start;
	assert_int_equal(check(s), 0);
	s->iomem[3].addr = s->machine.crash_low.start;
	assert_int_equal(check(s), 0);
	/* no headers */
	e = (void *)s->block;
	e->e_phnum = (Elf64_Half)(s->size / sizeof(Elf64_Phdr) + 1);
	assert_int_equal(check(s), -EBADMSG);
	e->e_phnum = 1;
	e->e_phoff = UINT64_MAX;
	assert_int_equal(check(s), -EBADMSG);
	e->e_ident[0] = 0;
	assert_int_equal(check(s), -EBADMSG);
	s->size = sizeof(*e) - 1;
	assert_int_equal(check(s), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_as_the_kernel),
		TEST(test_notes_and_text),
		TEST(test_exclusions),
		TEST(test_adjacent_entries),
		TEST(test_cma),
		TEST(test_no_crash_region),
		TEST(test_no_ram),
		TEST(test_how_many),
		TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
