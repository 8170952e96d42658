// SPDX-License-Identifier: GPL-2.0-only
/* UKIs: finding their parts, refusing damaged ones. Recognition of formats, and their lists. */
#include "check.h"
#include "fake_kernel.h"
#include "fake_uki.h"
#include "memory_file.h"

#include "arch/arch.h"
#include "image/format.h"
#include "image/uki.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <string.h>

static struct error err;

static const struct content usual[] = {
	{ ".text", "stub", 4 },		 { ".osrel", "ID=x\n", 5 },
	{ ".cmdline", "root=a b\n", 9 }, { ".linux", "kernel", 6 },
	{ ".initrd", "initrd", 6 },	 { ".ucode", "micro", 5 },
	{ ".dtb", "tree1", 5 },		 { ".dtb", "tree2", 5 },
};
#define LINUX 3 /* in usual */

static int parse(const struct fake_uki *u, size_t size, struct uki *out)
{
	err.text[0] = '\0';
	return uki_parse((struct bytes){ u->file, size }, size, out, &err);
}

static void assert_part(const struct fake_uki *u, struct uki_part part, const char *text)
{
	assert_int_equal(part.size, strlen(text));
	assert_memory_equal(u->file + part.offset, text, part.size);
}

static void test_finds_its_parts(void **state)
{
	struct fake_uki u;
	struct uki uki;

	(void)state;
	fake_uki(&u, usual, COUNT(usual));
	assert_int_equal(parse(&u, u.size, &uki), 1);
	assert_part(&u, uki.linux_image, "kernel");
	assert_part(&u, uki.initrd, "initrd");
	assert_part(&u, uki.ucode, "micro");
	assert_part(&u, uki.cmdline, "root=a b\n");
	assert_part(&u, uki.dtb, "tree1");
}

/* Tools disagree on which of the two sizes includes padding. */
static void test_two_sizes(void **state)
{
	static const struct {
		uint32_t virtual_size, raw_size, size;
	} cases[] = {
		{ 6, ALIGN, 6 },	 /* raw: padded in the file */
		{ ALIGN, ALIGN, ALIGN }, /* both the same */
		{ 0, 6, 6 },		 /* not filled in */
		{ 0x10000000, 6, 6 },	 /* of a kernel in memory */
		{ UINT32_MAX, ALIGN, ALIGN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_uki u;
		struct uki uki;

		fake_uki(&u, usual, COUNT(usual));
		put32(&u, field(LINUX, 8), cases[i].virtual_size);
		put32(&u, field(LINUX, 16), cases[i].raw_size);
		assert_int_equal(parse(&u, u.size, &uki), 1);
		assert_int_equal(uki.linux_image.size, cases[i].size);
	}
}

static void test_profiles(void **state)
{
	static const struct content contents[] = {
		{ ".linux", "kernel", 6 },   { ".cmdline", "base", 4 },
		{ ".initrd", "initrd", 6 },  { ".profile", "ID=a", 4 },
		{ ".cmdline", "first", 5 },  { ".profile", "ID=b", 4 },
		{ ".cmdline", "second", 6 }, { ".initrd", "other", 5 },
		{ ".linux", "other", 5 },
	};
	struct fake_uki u;
	struct uki uki;

	(void)state;
	fake_uki(&u, contents, COUNT(contents));
	assert_int_equal(parse(&u, u.size, &uki), 1);
	assert_part(&u, uki.linux_image, "kernel");
	assert_part(&u, uki.cmdline, "first");
	assert_part(&u, uki.initrd, "initrd");

	/* a profile without a command line takes the base profile's */
	fake_uki(&u, contents, 4);
	assert_int_equal(parse(&u, u.size, &uki), 1);
	assert_part(&u, uki.cmdline, "base");

	/* the kernel is in another profile than @0 */
	fake_uki(&u, contents + 3, 6);
	assert_int_equal(parse(&u, u.size, &uki), -ENOEXEC);
	assert_non_null(strstr(err.text, "in another profile"));
}

struct spoiler {
	size_t at;
	uint32_t value;
	const char *says; /* NULL: not a UKI any more */
};

static void test_spoilt(void **state)
{
	static const struct spoiler cases[] = {
		{ 0, 0, NULL },
		{ 0x3c, MAX_SIZE, NULL },
		{ 0x3c, UINT32_MAX, NULL },
		{ 0x3c, UINT32_MAX - 25, NULL },
		{ PE_AT, 0, NULL },
		{ PE_AT + 4, 0xffff0000 | 0x8664, NULL }, /* 65535 sections */
		{ PE_AT + 4, 0xaa64 | COUNT(usual) << 16,
		  "a UKI for aarch64 (PE machine 0xaa64)" },
		{ PE_AT + 4, 0x8664 | LINUX << 16, NULL },	     /* without .linux */
		{ PE_AT + 20, 0xffff, NULL },			     /* optional header */
		{ PE_AT + 24, 0x10b, "another architecture" },	     /* 32-bit PE */
		{ TABLE_AT + LINUX * ENTRY_SIZE, 0x6e696c2f, NULL }, /* "/lin" */
		{ TABLE_AT + LINUX * ENTRY_SIZE + 16, 0, "without a kernel" },
		{ TABLE_AT + LINUX * ENTRY_SIZE + 20, MAX_SIZE, "truncated" },
		{ TABLE_AT + LINUX * ENTRY_SIZE + 20, UINT32_MAX, "truncated" },
		{ TABLE_AT + (LINUX + 1) * ENTRY_SIZE + 20, UINT32_MAX, "truncated" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_uki u;
		struct uki uki;

		fake_uki(&u, usual, COUNT(usual));
		put32(&u, cases[i].at, cases[i].value);
		assert_int_equal(parse(&u, u.size, &uki), cases[i].says ? -ENOEXEC : 0);
		if (cases[i].says && !strstr(err.text, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
	}
}

static void test_huge_sections(void **state)
{
	struct fake_uki u;
	struct uki uki;

	(void)state;
	fake_uki(&u, usual, COUNT(usual));
	put32(&u, field(LINUX, 8), UINT32_MAX);
	put32(&u, field(LINUX, 16), UINT32_MAX);
	put32(&u, field(LINUX, 20), UINT32_MAX);
	assert_int_equal(parse(&u, u.size, &uki), -ENOEXEC);
	assert_non_null(strstr(err.text, "8589934590")); /* all 64 bits of the sum */
}

static void test_twice(void **state)
{
	static const struct content contents[] = {
		{ ".linux", "kernel", 6 },
		{ ".linux", "kernel", 6 },
	};
	struct fake_uki u;
	struct uki uki;

	(void)state;
	fake_uki(&u, contents, COUNT(contents));
	assert_int_equal(parse(&u, u.size, &uki), -ENOEXEC);
	assert_non_null(strstr(err.text, "two sections .linux"));
}

/* Up to the end of the last part; padding follows. */
static void test_every_truncation_is_seen(void **state)
{
	struct fake_uki u;
	struct uki uki;
	size_t table_end = TABLE_AT + COUNT(usual) * ENTRY_SIZE;

	(void)state;
	fake_uki(&u, usual, COUNT(usual) - 1);
	for (size_t size = 0; size <= u.size - ALIGN; size++) {
		int ret = parse(&u, size, &uki);

		if (size < table_end - ENTRY_SIZE)
			assert_int_equal(ret, 0);
		else
			assert_int_equal(ret, -ENOEXEC);
	}
}

static void test_command_lines(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "\n", "" },
		{ "a", "a" },
		{ "a b\n", "a b" },
		{ " \ta\n b\r\n", "a  b" },
		{ "a\x7f\x01z", "a  z" },
		{ "x=\"a  b\"", "x=\"a  b\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[64];

		strcpy(text, cases[i].in);
		uki_clean_cmdline(text);
		assert_string_equal(text, cases[i].out);
	}
}

/* From here on through files. */

static const struct image_request all = { .initrd = true, .cmdline = true };

static void make_whole(struct fake_uki *u, const struct fake_kernel *k)
{
	const struct content contents[] = {
		{ ".text", "stub", 4 },
		{ ".cmdline", " quiet\0no", 9 },
		{ ".initrd", "initrd", 6 },
		{ ".ucode", "micro", 5 },
		{ ".linux", k->file, sizeof(k->file) },
	};

	fake_uki(u, contents, COUNT(contents));
}

static void test_opens(void **state)
{
	struct image_extras extras;
	struct fake_kernel k;
	struct image image;
	struct fake_uki u;
	struct file f;

	(void)state;
	fake_kernel(&k);
	make_whole(&u, &k);
	f = memory_file(u.file, u.size);
	assert_int_equal(image_open(&f, &all, &image, &extras, &err), 0);
	assert_ptr_equal(image.format, image_format_of_type("uki"));
	assert_int_equal(f.bytes.size, sizeof(k.file));
	assert_memory_equal(f.bytes.data, k.file, sizeof(k.file));
	assert_ptr_equal(image.kernel.data, f.bytes.data + FAKE_SETUP);
	assert_string_equal(f.path, "FILE");
	assert_string_equal(extras.cmdline, "quiet");
	/* the second archive begins at a multiple of 4 */
	assert_int_equal(extras.initrd.bytes.size, 14);
	assert_memory_equal(extras.initrd.bytes.data, "micro\0\0\0initrd", 14);
	image_extras_free(&extras);
	file_close(&f);
}

static void test_takes_only_what_is_requested(void **state)
{
	const struct image_request nothing = { .format = image_format_of_type("uki") };
	struct image_extras extras;
	struct fake_kernel k;
	struct image image;
	struct fake_uki u;
	struct file f;

	(void)state;
	fake_kernel(&k);
	make_whole(&u, &k);
	f = memory_file(u.file, u.size);
	assert_int_equal(image_open(&f, &nothing, &image, &extras, &err), 0);
	assert_true(extras.has_initrd && extras.has_cmdline && !extras.has_dtb);
	assert_int_equal(extras.initrd.fd, -1);
	assert_null(extras.cmdline);
	image_extras_free(&extras);
	file_close(&f);
}

/* @type: the word for -t; NULL: none given. */
static void assert_refused(const void *data, size_t size, const char *type,
			   const char *says)
{
	const struct image_request request = {
		.format = type ? image_format_of_type(type) : NULL,
		.initrd = true,
	};
	struct image_extras extras;
	struct file f = memory_file(data, size);
	struct image image;

	assert_int_equal(image_open(&f, &request, &image, &extras, &err), -ENOEXEC);
	if (strncmp(err.text, "FILE: ", 6) != 0 || !strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
	image_extras_free(&extras);
	file_close(&f);
}

static void test_kernels_that_are_none(void **state)
{
	struct fake_uki inner, outer;
	struct fake_kernel k;
	struct content within = { ".linux", inner.file, 0 };

	(void)state;
	fake_kernel(&k);
	make_whole(&inner, &k);
	within.size = inner.size;
	fake_uki(&outer, &within, 1);
	assert_refused(outer.file, outer.size, NULL, "a UKI whose kernel is of type UKI");

	within = (struct content){ ".linux", "\177ELF", 4 };
	fake_uki(&outer, &within, 1);
	assert_refused(outer.file, outer.size, NULL,
		       "a UKI whose kernel is of type ELF vmlinux");

	within = (struct content){ ".linux", "BZh9 and something", 18 };
	fake_uki(&outer, &within, 1);
	assert_refused(outer.file, outer.size, NULL, "bzip2");

	within = (struct content){ ".linux", k.file, sizeof(k.file) - 100 };
	fake_uki(&outer, &within, 1);
	assert_refused(outer.file, outer.size, NULL, "truncated");
}

static void test_other_types(void **state)
{
	struct fake_kernel k;
	struct fake_uki u;

	(void)state;
	fake_kernel(&k);
	make_whole(&u, &k);
	assert_refused(u.file, u.size, "bzImage", "is of type UKI, not bzImage");
	assert_refused(u.file, u.size, "bzImage64", "is of type UKI, not bzImage");
	assert_refused(u.file, u.size, "elf-x86_64", "is of type UKI, not ELF vmlinux");
	assert_refused(k.file, sizeof(k.file), "uki", "is of type bzImage, not UKI");
}

/* Known formats that cannot be loaded are named. */
static void test_unsupported_files(void **state)
{
	static const struct {
		size_t at;
		const char *magic;
		const char *says;
	} cases[] = {
		{ 0, "MZ", "EFI program" },
		{ 4, "zimg", "(zboot) for another architecture" },
		{ 0, "BZh9", "bzip2" },
		{ 0, "\x02\x21\x4c\x18", "lz4" },
		{ 0, "\x36\x13\x03\x1b", "NBI" },
		{ 0, "BeoB", "Beoboot" },
		{ 0, "#!/bin/sh", "a script" },
		{ 0, "070701", "an initrd" },
		{ 0x38, "ARM\x64", "a kernel for arm64" },
		{ 0x38, "RSC\x05", "a kernel for riscv64" },
		{ 5000, "nothing", "not a kernel that can be loaded (bzImage, UKI" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static uint8_t file[32768];

		memset(file, 0, sizeof(file));
		memcpy(file + cases[i].at, cases[i].magic, strlen(cases[i].magic));
		assert_refused(file, sizeof(file), NULL, cases[i].says);
	}
	/* a bzImage begins like this, too */
	assert_refused("MZ", 2, NULL, "too short to be a kernel (2 bytes)");
	assert_refused("x", 1, NULL, "too short to be a kernel (1 bytes)");
}

/* Magic and words that sum up to 0: aligned, near enough to the beginning. */
static void test_multiboot(void **state)
{
	static const uint32_t one[] = { 0x1badb002, 3, -(0x1badb002u + 3) };
	static const uint32_t two[] = { 0xe85250d6, 0, 24, -(0xe85250d6u + 24) };
	static uint8_t file[65536];

	(void)state;
	memcpy(file + 8192 - sizeof(one), one, sizeof(one));
	assert_refused(file, sizeof(file), NULL, "but a Multiboot kernel");
	memcpy(file, "\177ELF", 4);
	assert_refused(file, sizeof(file), NULL, "but a Multiboot kernel");
	file[0] = 0;
	file[8191] ^= 1;
	assert_refused(file, sizeof(file), NULL, "loaded (bzImage");
	memcpy(file + 32768 - sizeof(two), two, sizeof(two));
	assert_refused(file, sizeof(file), NULL, "but a Multiboot2 kernel");
	memmove(file + 32768 - sizeof(two) + 8, two, sizeof(two));
	memset(file + 32768 - sizeof(two), 0, 8);
	assert_refused(file, sizeof(file), NULL, "loaded (bzImage");
}

/* The lists of the format table. */

static void test_types(void **state)
{
	char types[IMAGE_LIST_SIZE];

	(void)state;
	image_list_types(types, sizeof(types));
	assert_string_equal(types, "bzImage, bzImage64, uki or elf-x86_64");
}

/* Each text begins with the separator that it has in its list. */
#ifdef HAVE_ELF
#define ELF	  ", ELF vmlinux"
#define ELF_LACKS ""
#else
#define ELF	  ""
#define ELF_LACKS ", ELF vmlinux (libelf)"
#endif

#ifdef HAVE_ZLIB
#define GZIP	   "; gzip"
#define GZIP_LACKS ""
#define XZ_BEGINS  ", "
#else
#define GZIP	   ""
#define GZIP_LACKS ", gzip (zlib)"
#define XZ_BEGINS  "; "
#endif

#ifdef HAVE_LZMA
#define XZ	    XZ_BEGINS "xz"
#define XZ_LACKS    ""
#define ZSTD_BEGINS ", "
#else
#define XZ	    ""
#define XZ_LACKS    ", xz (liblzma)"
#define ZSTD_BEGINS XZ_BEGINS
#endif

#ifdef HAVE_ZSTD
#define ZSTD	   ZSTD_BEGINS "zstd"
#define ZSTD_LACKS ""
#else
#define ZSTD	   ""
#define ZSTD_LACKS ", zstd (libzstd)"
#endif

static void test_formats(void **state)
{
	char formats[IMAGE_LIST_SIZE];

	(void)state;
	for (int now = 0; now <= 1; now++) {
		image_list_formats(formats, sizeof(formats), now);
		assert_string_equal(formats, "bzImage, UKI" ELF GZIP XZ ZSTD);
	}
}

static void test_missing(void **state)
{
	static const char lacks[] = ELF_LACKS GZIP_LACKS XZ_LACKS ZSTD_LACKS;
	char missing[IMAGE_LIST_SIZE];

	(void)state;
	image_list_missing(missing, sizeof(missing));
	assert_string_equal(missing, lacks[0] ? lacks + 2 : "");
}

static void list_formats(char *buf, size_t size)
{
	image_list_formats(buf, size, false);
}

/* A buffer that is too small gets the beginning. */
static void test_short_lists(void **state)
{
	static void (*const lists[])(char *, size_t) = { image_list_types, list_formats,
							 image_list_missing };

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		char all_of_it[IMAGE_LIST_SIZE], buf[IMAGE_LIST_SIZE + 1];

		lists[i](all_of_it, sizeof(all_of_it));
		assert_true(strlen(all_of_it) + 1 <
			    sizeof(all_of_it)); /* nothing is cut */
		for (size_t size = 1; size <= strlen(all_of_it) + 1; size++) {
			memset(buf, 'x', sizeof(buf));
			lists[i](buf, size);
			assert_int_equal(strlen(buf), size - 1);
			assert_memory_equal(buf, all_of_it, size - 1);
			assert_int_equal(buf[size], 'x');
		}
	}
}

static void test_format_of_type(void **state)
{
	static const struct {
		const char *type, *name; /* no name: refused */
	} cases[] = {
		{ "bzImage", "bzImage" },   { "bzImage64", "bzImage" },
		{ "uki", "UKI" },	    { "elf-x86_64", "ELF vmlinux" },
		{ "elf-x86", NULL },	    { "multiboot-x86", NULL },
		{ "multiboot2-x86", NULL }, { "beoboot-x86", NULL },
		{ "nbi-x86", NULL },
	};
	static const char *const unknown[] = { "", "bzimage", "bzImage6", "bzImage644",
					       "UKI" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct image_format *f = image_format_of_type(cases[i].type);

		assert_ptr_equal(f, &arch_image_formats[i]);
		assert_string_equal(f->type, cases[i].type);
		if (cases[i].name)
			assert_string_equal(f->name, cases[i].name);
		else
			assert_null(f->name);
	}
	assert_null(arch_image_formats[COUNT(cases)].type);
	for (size_t i = 0; i < COUNT(unknown); i++)
		assert_null(image_format_of_type(unknown[i]));
}

/* A row is refused, opens files, or is an alias of one that does. */
static void test_format_rows(void **state)
{
	(void)state;
	for (const struct image_format *f = arch_image_formats; f->type; f++) {
		const struct image_format *opener;

		assert_true(!f->refusal == !!f->name);
		assert_true(!f->probe == !f->open);
		if (f->refusal) {
			assert_null(f->probe);
			continue;
		}
		for (opener = arch_image_formats; opener->type; opener++)
			if (opener->name && opener->open &&
			    !strcmp(opener->name, f->name))
				break;
		assert_non_null(opener->type);
	}
	assert_true(image_format_of_type("bzImage")->in_uki);
	assert_false(image_format_of_type("uki")->in_uki);
	assert_false(image_format_of_type("elf-x86_64")->in_uki);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_its_parts),
		cmocka_unit_test(test_two_sizes),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_huge_sections),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_every_truncation_is_seen),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_takes_only_what_is_requested),
		cmocka_unit_test(test_kernels_that_are_none),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_unsupported_files),
		cmocka_unit_test(test_multiboot),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_short_lists),
		cmocka_unit_test(test_format_of_type),
		cmocka_unit_test(test_format_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
