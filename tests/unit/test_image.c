// SPDX-License-Identifier: GPL-2.0-only
/* A kernel file that is whole is taken; one that is not gets its reason. */
#include "check.h"
#include "fake_kernel.h"

#include "image/image.h"

#include <errno.h>
#include <string.h>

static struct error err;

static int parse(const struct fake_kernel *k, size_t size, struct image *image)
{
	struct bytes file = { k->file, size };

	return image_parse(file, file, image, &err);
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
	assert_true(image.above_4g);
	assert_true(image.five_level);
	assert_int_equal(image.header.size, sizeof(struct setup_header));
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

/* memory for the file even when the header asks for less */
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
	h->version = 0x20b;
}
static void low_kernel(struct setup_header *h)
{
	h->loadflags = 0;
}
static void only_32_bit(struct setup_header *h)
{
	h->xloadflags = 0;
}
static void fixed_place(struct setup_header *h)
{
	h->relocatable_kernel = 0;
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
		{ "2.11 is too old", old_protocol },
		{ "zImage", low_kernel },
		{ "32-bit", only_32_bit },
		{ "not relocatable", fixed_place },
		{ "power of two", odd_alignment },
		{ "power of two", no_alignment },
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

/* A header of a newer kernel: more than our struct knows, handed over all the same. */
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
		cmocka_unit_test(test_longer_header_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
