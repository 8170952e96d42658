// SPDX-License-Identifier: GPL-2.0-only
/* A complete bzImage is parsed; a damaged one is refused with its reason. */
#include "check.h"
#include "fake_kernel.h"
#include "memory_file.h"

#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"
#include "base/units.h"
#include "purgatory_params.h"

#include <errno.h>
#include <string.h>

static struct error err;

static int parse(const struct fake_kernel *k, size_t size, struct image *image)
{
	struct bytes file = { k->file, size };

	return bzimage_parse(file, file, image, &err);
}

static void test_takes_a_kernel(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
	assert_ptr_equal(image.kernel.data, k.file + FAKE_SETUP);
	assert_int_equal(image.kernel.size, sizeof(k.file) - FAKE_SETUP);
	assert_int_equal(image.mem_size, FAKE_INIT_SIZE);
	assert_int_equal(image.align, 0x200000);
	assert_int_equal(image.min_addr, 0x1000000);
	assert_int_equal(image.entry_offset, 0x200);
	assert_int_equal(image.cmdline_max, 2047);
	assert_int_equal(image.file_cmdline_max, 2047 - 31);
	assert_int_equal(image.max_addr, 0); /* may lie above 4 GiB */
	assert_int_equal(image.arch_flags, X86_FIVE_LEVEL);
	assert_false(image.fixed);
	assert_int_equal(image.entry_mode, PURGATORY_ENTRY_64);
	assert_null(image.no_file_load);
	assert_int_equal(image.header.size, sizeof(struct setup_header));
	assert_ptr_equal(image.header.data, k.hdr);
}

static void test_setup_sects_0_means_4(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	k.hdr->setup_sects = 0;
	k.hdr->syssize = (sizeof(k.file) - 5 * 512) / 16;
	assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
	assert_ptr_equal(image.kernel.data, k.file + 5 * 512);
}

/* Even if the header asks for less. */
static void test_init_size_covers_the_file(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	k.hdr->init_size = 1;
	assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
	assert_true(image.mem_size >= image.kernel.size);
	assert_int_equal(image.mem_size % 4096, 0);
}

static void test_every_truncation_is_seen(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	for (size_t size = 0; size < sizeof(k.file); size++) {
		assert_int_equal(parse(&k, size, &image), -ENOEXEC);
		assert_true(strlen(err.text) > 0);
	}
}

struct bad_header {
	const char *says;
	void (*spoil)(struct setup_header *hdr);
};

static void no_magic(struct setup_header *h)
{
	h->header = 0;
}
static void no_boot_flag(struct setup_header *h)
{
	h->boot_flag = 0;
}
static void old_protocol(struct setup_header *h)
{
	h->version = 0x201;
}
static void low_kernel(struct setup_header *h)
{
	h->loadflags = 0;
}
static void fixed_in_low_memory(struct setup_header *h)
{
	h->relocatable_kernel = 0;
	h->pref_address = 0x1000;
}
static void fixed_between_pages(struct setup_header *h)
{
	h->relocatable_kernel = 0;
	h->pref_address += 0x800;
}
static void odd_alignment(struct setup_header *h)
{
	h->kernel_alignment = 0x300000;
}
static void no_alignment(struct setup_header *h)
{
	h->kernel_alignment = 0;
}
static void long_header(struct setup_header *h)
{
	((uint8_t *)h)[0x201 - 0x1f1] = 0xff;
}
static void huge_kernel(struct setup_header *h)
{
	h->syssize = 0xffffffff;
}

static void test_bad_headers(void **state)
{
	static const struct bad_header cases[] = {
		{ "no bzImage header", no_magic },
		{ "no bzImage header", no_boot_flag },
		{ "2.01 is too old; the oldest supported is 2.02", old_protocol },
		{ "zImage", low_kernel },
		{ "lie at 0x1000, where", fixed_in_low_memory },
		{ "lie at 0x1000800, where", fixed_between_pages },
		{ "not a power of two", odd_alignment },
		{ "not a power of two", no_alignment },
		{ "header is too long", long_header },
		{ "truncated", huge_kernel },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_kernel k;
		struct image image;

		fake_kernel(&k);
		cases[i].spoil(k.hdr);
		assert_int_equal(parse(&k, sizeof(k.file), &image), -ENOEXEC);
		assert_non_null(strstr(err.text, cases[i].says));
	}
}

/* An older or poorer header, and what follows from it. */
struct lesser {
	uint16_t version;
	uint16_t xloadflags;
	uint8_t relocatable;
	uint64_t pref_address;
	bool entry_32bit, fixed, above_4g;
	uint64_t min_addr, initrd_max, cmdline_max;
};

static void test_lesser_headers(void **state)
{
	static const struct lesser cases[] = {
		/* 64-bit, built without CONFIG_RELOCATABLE */
		{ 0x20f, XLF_KERNEL_64, 0, 0x1000000, false, true, false, 0x1000000,
		  0x80000000, 2047 },
		/* memtest86+ */
		{ 0x20c, XLF_KERNEL_64 | XLF_EFI_HANDOVER_64, 0, 0x100000, false, true,
		  false, 0x100000, 0x80000000, 2047 },
		{ 0x20c, XLF_EFI_HANDOVER_32, 0, 0x100000, true, true, false, 0x100000,
		  0x80000000, 2047 },
		/* a 32-bit Linux */
		{ 0x20f, 0, 1, 0x1000000, true, false, false, 0x1000000, 0x80000000,
		  2047 },
		/* 32-bit mode reaches 4 GiB only, despite the flag */
		{ 0x20f, XLF_CAN_BE_LOADED_ABOVE_4G, 1, 0x1000000, true, false, false,
		  0x1000000, 0x80000000, 2047 },
		/* before xloadflags, with other bytes in its place */
		{ 0x20b, 0xffff, 1, 0x1000000, true, false, false, 0x1000000, 0x80000000,
		  2047 },
		/* before pref_address and init_size */
		{ 0x209, 0xffff, 1, 0x1000000, true, false, false, 0x100000, 0x80000000,
		  2047 },
		{ 0x209, 0, 0, 0x1000000, true, true, false, 0x100000, 0x80000000, 2047 },
		/* before cmdline_size, relocatable_kernel, initrd_addr_max */
		{ 0x205, 0, 1, 0, true, false, false, 0x100000, 0x80000000, 255 },
		{ 0x204, 0, 1, 0, true, true, false, 0x100000, 0x80000000, 255 },
		{ 0x202, 0, 1, 0, true, true, false, 0x100000, 0x38000000, 255 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct lesser *c = &cases[i];
		struct fake_kernel k;
		struct image image;

		fake_kernel(&k);
		k.hdr->version = c->version;
		k.hdr->xloadflags = c->xloadflags;
		k.hdr->relocatable_kernel = c->relocatable;
		k.hdr->pref_address = c->pref_address;
		assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
		assert_int_equal(image.entry_mode, c->entry_32bit ? PURGATORY_ENTRY_32
								  : PURGATORY_ENTRY_64);
		assert_int_equal(image.entry_offset, c->entry_32bit ? 0 : 0x200);
		assert_int_equal(image.fixed, c->fixed);
		assert_int_equal(image.align, c->fixed ? 4096 : 0x200000);
		assert_int_equal(image.max_addr, c->above_4g ? 0 : 4 * GIB);
		assert_int_equal(image.low_end, c->entry_32bit ? 896 * MIB : 0);
		/* without paging the number of levels does not matter */
		assert_int_equal(image.arch_flags, c->entry_32bit ? X86_FIVE_LEVEL : 0);
		assert_string_equal(image.no_file_load,
				    c->entry_32bit ? "has a 32-bit entry point only"
						   : "must not lie above 4 GiB");
		assert_int_equal(image.min_addr, c->min_addr);
		assert_int_equal(image.initrd_max, c->initrd_max);
		assert_int_equal(image.cmdline_max, c->cmdline_max);
		assert_int_equal(image.file_cmdline_max, c->cmdline_max - 31);
		/* without init_size: enough to unpack itself */
		assert_int_equal(image.mem_size, c->version >= 0x20a
							 ? FAKE_INIT_SIZE
							 : 4 * (FAKE_SIZE - FAKE_SETUP));
	}
}

/* memtest86+ may end within its last 16 bytes; Linux may not. */
static void test_last_unit_of_a_fixed_one(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	k.hdr->relocatable_kernel = 0;
	assert_int_equal(parse(&k, sizeof(k.file) - 15, &image), 0);
	assert_int_equal(parse(&k, sizeof(k.file) - 16, &image), -ENOEXEC);
}

static int parse_bios(uint32_t code32_start, uint32_t syssize, uint16_t version,
		      const char *text)
{
	struct fake_kernel k;
	struct image image;

	fake_kernel(&k);
	k.hdr->code32_start = code32_start;
	k.hdr->syssize = syssize;
	k.hdr->version = version;
	k.hdr->kernel_version = 0x100;
	strcpy((char *)k.file + 0x300, text);
	return bzimage_parse((struct bytes){ k.file, 4096 },
			     (struct bytes){ k.file, sizeof(k.file) }, &image, &err);
}

/* iPXE's .lkrn, memdisk, and another system's kernel that may be entered. */
static void test_bios_programs(void **state)
{
	(void)state;
	assert_int_equal(parse_bios(0, 0x10, 0x207, "1.0.0+git"), -ENOEXEC);
	assert_non_null(strstr(err.text, "needs the BIOS"));
	assert_non_null(strstr(err.text, "\"1.0.0+git\""));
	assert_int_equal(parse_bios(0x100000, 0, 0x203, "MEMDISK 6.04"), -ENOEXEC);
	assert_non_null(strstr(err.text, "\"MEMDISK 6.04\""));
	assert_int_equal(parse_bios(0x100000, 0, 0x20f, ""), 0);
	assert_int_equal(parse_bios(0x100000, 1, 0x203, ""), 0);
}

/* Before protocol 2.04 syssize had 16 bits. */
static void test_narrow_syssize(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	k.hdr->version = 0x203;
	k.hdr->syssize = 0xffffffff;
	assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
}

static void test_entry_32bit_on_demand(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
	image.arch_flags = 0;
	bzimage_enter_32bit(&image);
	assert_int_equal(image.entry_mode, PURGATORY_ENTRY_32);
	assert_int_equal(image.entry_offset, 0);
	assert_int_equal(image.max_addr, 4 * GIB);
	assert_int_equal(image.arch_flags, X86_FIVE_LEVEL);
}

/* From here on through a file, with a request. */

static int open_kernel(const struct fake_kernel *k, size_t size, const char *type,
		       bool entry_32bit, struct image *image, struct file *f)
{
	const struct image_request request = {
		.format = type ? image_format_of_type(type) : NULL,
		.entry_32bit = entry_32bit,
	};
	struct image_extras extras;
	int ret;

	*f = memory_file(k->file, size);
	ret = image_open(f, &request, image, &extras, &err);
	image_extras_free(&extras);
	return ret;
}

static void test_opens(void **state)
{
	static const char *const types[] = { NULL, "bzImage", "bzImage64" };
	struct fake_kernel k;

	(void)state;
	fake_kernel(&k);
	for (size_t i = 0; i < COUNT(types); i++) {
		struct image image;
		struct file f;

		assert_int_equal(
			open_kernel(&k, sizeof(k.file), types[i], false, &image, &f), 0);
		assert_ptr_equal(image.format, image_format_of_type("bzImage"));
		assert_int_equal(image.entry_mode, PURGATORY_ENTRY_64);
		assert_ptr_equal(image.kernel.data, f.bytes.data + FAKE_SETUP);
		assert_null(image.no_file_load);
		file_close(&f);
	}
}

static void test_opens_for_32bit_entry(void **state)
{
	struct fake_kernel k;
	struct image image;
	struct file f;

	(void)state;
	fake_kernel(&k);
	assert_int_equal(open_kernel(&k, sizeof(k.file), NULL, true, &image, &f), 0);
	assert_int_equal(image.entry_mode, PURGATORY_ENTRY_32);
	assert_int_equal(image.max_addr, 4 * GIB);
	assert_non_null(strstr(image.no_file_load, "--entry-32bit"));
	file_close(&f);

	k.hdr->xloadflags = 0; /* it cannot be entered otherwise: nothing to ask for */
	assert_int_equal(open_kernel(&k, sizeof(k.file), NULL, false, &image, &f), 0);
	assert_int_equal(image.entry_mode, PURGATORY_ENTRY_32);
	assert_string_equal(image.no_file_load, "has a 32-bit entry point only");
	file_close(&f);
}

static void test_open_names_the_file(void **state)
{
	struct fake_kernel k;
	struct image image;
	struct file f;

	(void)state;
	fake_kernel(&k);
	assert_int_equal(open_kernel(&k, sizeof(k.file) - 100, NULL, false, &image, &f),
			 -ENOEXEC);
	assert_memory_equal(err.text, "FILE: truncated: ", 17);
	file_close(&f);
}

/* A newer kernel's header is handed over as a whole, with fields unknown to us. */
static void test_longer_header_is_kept(void **state)
{
	struct fake_kernel k;
	struct image image;

	(void)state;
	fake_kernel(&k);
	k.file[0x201] += 8;
	assert_int_equal(parse(&k, sizeof(k.file), &image), 0);
	assert_int_equal(image.header.size, sizeof(struct setup_header) + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_a_kernel),
		cmocka_unit_test(test_setup_sects_0_means_4),
		cmocka_unit_test(test_init_size_covers_the_file),
		cmocka_unit_test(test_every_truncation_is_seen),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_lesser_headers),
		cmocka_unit_test(test_last_unit_of_a_fixed_one),
		cmocka_unit_test(test_narrow_syssize),
		cmocka_unit_test(test_bios_programs),
		cmocka_unit_test(test_entry_32bit_on_demand),
		cmocka_unit_test(test_longer_header_is_kept),
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_opens_for_32bit_entry),
		cmocka_unit_test(test_open_names_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
