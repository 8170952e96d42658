// SPDX-License-Identifier: GPL-2.0-only
#include "machine/kcore.h"

#include "check.h"
#include "fake_kcore.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>

static struct tree tree;

static void path_of(char path[128])
{
	snprintf(path, 128, "%s/kcore", tree.root);
}

/* Writes the first @size bytes of @f and opens them. */
static int open_part(const struct fake_kcore *f, size_t size, struct kcore *k,
		     struct error *err)
{
	char path[128];

	path_of(path);
	tree_put_bytes(&tree, "kcore", f, size);
	return kcore_open(path, k, err);
}

static struct kcore open_good(const struct fake_kcore *f)
{
	struct error err = { "" };
	struct kcore k;

	assert_int_equal(open_part(f, sizeof(*f), &k, &err), 0);
	assert_string_equal(err.text, "");
	return k;
}

static void test_good(void **state)
{
	struct fake_kcore f;
	struct kcore k;
	uint64_t base = 0;

	(void)state;
	fake_kcore_make(&f);
	k = open_good(&f);
	assert_int_equal(k.count, FAKE_SEGMENTS - 1); /* without the notes */
	assert_int_equal(k.loads[1].paddr, UINT64_MAX);
	assert_non_null(kcore_text(&k));
	assert_int_equal(kcore_text(&k)->vaddr, FAKE_TEXT);
	assert_int_equal(kcore_text(&k)->paddr, FAKE_TEXT_PHYS);
	assert_int_equal(kcore_text(&k)->size, FAKE_TEXT_SIZE);
	assert_true(kcore_direct_map(&k, &base));
	assert_int_equal(base, FAKE_DIRECT_MAP);
	kcore_close(&k);
	assert_int_equal(k.fd, -1);
	assert_null(k.loads);
	kcore_close(&k); /* harmless */
}

static void test_read(void **state)
{
	struct error err = { "" };
	uint8_t buf[8192];
	struct fake_kcore f;
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	k = open_good(&f);
	assert_int_equal(kcore_read(&k, 0x1000, buf, 4096, &err), 0);
	assert_memory_equal(buf, f.ram[0], 4096);
	assert_int_equal(kcore_read(&k, 0x100ffe, buf, 4, &err), 0);
	assert_memory_equal(buf, f.ram[1] + 4094, 2);
	assert_memory_equal(buf + 2, f.ram[2], 2);
	assert_int_equal(kcore_read(&k, 0x101fff, buf, 1, &err), 0);
	assert_int_equal(buf[0], f.ram[2][4095]);
	assert_int_equal(kcore_read(&k, 0, buf, 0, &err), 0);
	assert_string_equal(err.text, "");

	assert_int_equal(kcore_read(&k, 0x1000, buf, 4097, &err), -ENXIO);
	assert_non_null(strstr(err.text, "does not show address 0x2000"));
	assert_int_equal(kcore_read(&k, 0xfff, buf, 2, &err), -ENXIO);
	assert_int_equal(kcore_read(&k, 0x102000, buf, 1, &err), -ENXIO);
	assert_int_equal(kcore_read(&k, UINT64_MAX, buf, 2, &err), -ENXIO);
	/* The kernel's own text is RAM, or absent. */
	assert_int_equal(kcore_read(&k, FAKE_TEXT_PHYS, buf, 1, &err), -ENXIO);
	kcore_close(&k);
}

/* Adjacent pieces, in the wrong order in the file. */
static void test_read_across_segments(void **state)
{
	struct error err = { "" };
	uint8_t buf[4096];
	struct fake_kcore f;
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	f.segments[FAKE_LOW].p_paddr = 0x102000;
	f.segments[FAKE_LOW].p_vaddr = FAKE_DIRECT_MAP + 0x102000;
	k = open_good(&f);
	assert_int_equal(kcore_read(&k, 0x101800, buf, 4096, &err), 0);
	assert_memory_equal(buf, f.ram[2] + 2048, 2048);
	assert_memory_equal(buf + 2048, f.ram[0], 2048);
	kcore_close(&k);
}

static void test_content_is_missing(void **state)
{
	struct error err = { "" };
	struct fake_kcore f;
	uint8_t buf[8192];
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	assert_int_equal(open_part(&f, sizeof(f) - 1, &k, &err), 0);
	assert_int_equal(kcore_read(&k, 0x100000, buf, 8191, &err), 0);
	assert_int_equal(kcore_read(&k, 0x100000, buf, 8192, &err), -EIO);
	assert_non_null(strstr(err.text, "the file ends too early"));
	kcore_close(&k);
}

static void test_headers_cut_off(void **state)
{
	struct fake_kcore f;

	(void)state;
	fake_kcore_make(&f);
	for (size_t size = 0; size < offsetof(struct fake_kcore, ram); size++) {
		struct error err = { "" };
		struct kcore k;

		assert_int_equal(open_part(&f, size, &k, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "ends inside its headers"));
		assert_int_equal(k.fd, -1);
		assert_null(k.loads);
	}
}

#define HEADER(member, value, text)                                                      \
	{                                                                                \
		offsetof(struct fake_kcore, header.member),                              \
			sizeof(((Elf64_Ehdr *)0)->member), value, text                   \
	}
#define SEGMENT(member, value, text)                                                     \
	{                                                                                \
		offsetof(struct fake_kcore, segments[FAKE_RAM].member),                  \
			sizeof(((Elf64_Phdr *)0)->member), value, text                   \
	}

static void test_spoiled(void **state)
{
	static const struct {
		size_t offset;
		size_t size;
		uint64_t value;
		const char *text;
	} cases[] = {
		HEADER(e_ident[0], 'E', "no ELF file"),
		HEADER(e_ident[EI_CLASS], ELFCLASS32, "another machine"),
		HEADER(e_ident[EI_DATA], ELFDATA2MSB, "another machine"),
		HEADER(e_machine, EM_S390, "another machine"),
		HEADER(e_type, ET_EXEC, "no core file"),
		HEADER(e_phnum, 0, "make no sense"),
		HEADER(e_phnum, PN_XNUM, "make no sense"),
		HEADER(e_phnum, PN_XNUM - 1, "ends inside its headers"),
		HEADER(e_phentsize, 55, "make no sense"),
		HEADER(e_phoff, UINT64_MAX, "make no sense"),
		HEADER(e_phoff, UINT64_MAX - FAKE_SEGMENTS * 56 + 1, "make no sense"),
		HEADER(e_phoff, INT64_MAX, "make no sense"),
		HEADER(e_phoff, (uint64_t)1 << 40, "ends inside its headers"),
		SEGMENT(p_offset, UINT64_MAX - 1, "beyond the end"),
		SEGMENT(p_offset, INT64_MAX - 8191, "beyond the end"),
		SEGMENT(p_vaddr, UINT64_MAX - 100, "beyond the end"),
		SEGMENT(p_filesz, UINT64_MAX, "beyond the end"),
		SEGMENT(p_paddr, UINT64_MAX - 1, "no possible physical"),
		SEGMENT(p_paddr, INT64_MAX - 1, "no possible physical"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = { "" };
		struct fake_kcore f;
		struct kcore k;

		fake_kcore_make(&f);
		memcpy((uint8_t *)&f + cases[i].offset, &cases[i].value, cases[i].size);
		assert_int_equal(open_part(&f, sizeof(f), &k, &err), -EBADMSG);
		if (!strstr(err.text, cases[i].text))
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(k.fd, -1);
		assert_null(k.loads);
	}
}

static void test_empty_segment_is_none(void **state)
{
	struct fake_kcore f;
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	f.segments[FAKE_VMALLOC].p_filesz = 0;
	k = open_good(&f);
	assert_int_equal(k.count, FAKE_SEGMENTS - 2);
	kcore_close(&k);
}

static void test_maps_that_do_not_agree(void **state)
{
	struct fake_kcore f;
	uint64_t base = 1;
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	f.segments[FAKE_RAM].p_vaddr += 4096;
	k = open_good(&f);
	assert_false(kcore_direct_map(&k, &base));
	kcore_close(&k);

	fake_kcore_make(&f);
	f.segments[FAKE_RAM].p_vaddr = 0x1000; /* below its physical address */
	f.segments[FAKE_LOW].p_type = PT_NULL;
	k = open_good(&f);
	assert_false(kcore_direct_map(&k, &base));
	kcore_close(&k);

	fake_kcore_make(&f);
	f.segments[FAKE_RAM].p_type = f.segments[FAKE_LOW].p_type = PT_NULL;
	f.segments[FAKE_KERNEL].p_type = PT_NULL; /* arm64 tells it from RAM by that */
	k = open_good(&f);
	assert_false(kcore_direct_map(&k, &base));
	assert_int_equal(base, 1);
	kcore_close(&k);
}

/* Modules lie near the text, but their physical addresses are unknown. */
static void test_no_text(void **state)
{
	struct fake_kcore f;
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	f.segments[FAKE_KERNEL].p_paddr = UINT64_MAX;
	k = open_good(&f);
	assert_null(kcore_text(&k));
	kcore_close(&k);
}

/* On riscv64 memory of no RAM has an offset that no call takes. */
static void test_no_offset(void **state)
{
	struct fake_kcore f;
	struct kcore k;

	(void)state;
	fake_kcore_make(&f);
	f.segments[FAKE_VMALLOC].p_offset = 0xffc0000000002000;
	f.segments[FAKE_VMALLOC].p_filesz = 1ull << 54;
	assert_true(f.segments[FAKE_VMALLOC].p_paddr == UINT64_MAX);
	k = open_good(&f);
	assert_int_equal(k.count, FAKE_SEGMENTS - 2); /* the note is none, either */
	kcore_close(&k);
}

static void test_cannot_open(void **state)
{
	struct error err = { "" };
	struct kcore k;

	(void)state;
	assert_int_equal(kcore_open("/nowhere/kcore", &k, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/kcore: No such file"));
	assert_int_equal(k.fd, -1);
	assert_int_equal(kcore_open(tree.root, &k, &err), -EISDIR);
	assert_non_null(strstr(err.text, tree.root));
	assert_int_equal(k.fd, -1);
}

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_across_segments),
		cmocka_unit_test(test_content_is_missing),
		cmocka_unit_test(test_headers_cut_off),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_empty_segment_is_none),
		cmocka_unit_test(test_maps_that_do_not_agree),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_no_offset),
		cmocka_unit_test(test_cannot_open),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
