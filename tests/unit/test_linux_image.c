// SPDX-License-Identifier: GPL-2.0-only
/* arm64 kernel files: Image, zboot, UKI. Other architectures' are refused by name. */
#include "check.h"
#include "fake_image.h"
#include "fake_uki.h"
#include "memory_file.h"

#include "arch/arch.h"
#include "arch/arm64/arm64.h"
#include "base/units.h"
#include "image/format.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include <errno.h>
#include <stdlib.h>

static struct error err;
static const struct image_request all = { .initrd = true, .cmdline = true };

static void assert_says(const char *text)
{
	if (!strstr(err.text, text))
		fail_msg("'%s' does not say '%s'", err.text, text);
}

static int parse(const union fake_image *k, size_t size, struct image *out)
{
	err.text[0] = '\0';
	return linux_image_parse((struct bytes){ k->file, size }, size, out, &err);
}

static void test_fields(void **state)
{
	union fake_image k;
	struct image image;

	(void)state;
	fake_image(&k);
	assert_int_equal(parse(&k, sizeof(k), &image), 0);
	assert_int_equal(image.entry_offset, 0);
	assert_int_equal(image.mem_size, 61440); /* 60000 in whole pages */
	assert_int_equal(image.align, 2 * MIB);
	assert_int_equal(image.align_offset, 0);
	assert_int_equal(image.low_end, 1ull << 48);
	assert_int_equal(image.initrd_window, 32 * GIB);
	assert_int_equal(image.cmdline_max, 2047);
	assert_int_equal(image.file_cmdline_max, 2047);
	assert_int_equal(image.arch_flags, 1); /* 4 KiB */
	assert_false(image.fixed);
	assert_null(image.no_file_load);
}

/* Linux 5.7 and older lie behind a multiple of 2 MiB. */
static void test_text_offset(void **state)
{
	union fake_image k;
	struct image image;

	(void)state;
	fake_image(&k);
	k.h.text_offset = 0x80000;
	assert_int_equal(parse(&k, sizeof(k), &image), 0);
	assert_int_equal(image.align_offset, 0x80000);
}

/* A signature behind the kernel is loaded with it. */
static void test_larger_file(void **state)
{
	union fake_image k;
	struct image image;

	(void)state;
	fake_image(&k);
	k.h.image_size = 10000;
	assert_int_equal(parse(&k, sizeof(k), &image), 0);
	assert_int_equal(image.mem_size, 20480);
}

static void test_refused(void **state)
{
	static const struct {
		uint64_t text_offset, size, flags;
		const char *says;
	} cases[] = {
		{ 0, 0, 0xa, "Linux 3.17 and later" },
		{ 0, 1ull << 60, 0xa, "damaged header" },
		{ 0, UINT64_MAX, 0xa, "damaged header" },
		{ 2 * MIB, 50000, 0xa, "damaged header" },
		{ 0x80001, 50000, 0xa, "damaged header" },
		{ UINT64_MAX, 50000, 0xa, "damaged header" },
		{ 0, 50000, 0xb, "big-endian" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		union fake_image k;
		struct image image;

		fake_image(&k);
		k.h.text_offset = cases[i].text_offset;
		k.h.image_size = cases[i].size;
		k.h.flags = cases[i].flags;
		assert_int_equal(parse(&k, sizeof(k), &image), -ENOEXEC);
		assert_says(cases[i].says);
	}
}

static void test_short_files(void **state)
{
	union fake_image k;
	struct image image;

	(void)state;
	fake_image(&k);
	for (size_t size = 0; size < sizeof(k.h); size++)
		assert_int_equal(parse(&k, size, &image), -ENOEXEC);
	assert_int_equal(parse(&k, sizeof(k.h), &image), 0);
}

/* From here on through files. */

static int open_bytes(const void *data, size_t size, const struct image_request *request,
		      struct image *image, struct file *f)
{
	struct image_extras extras;
	int ret;

	err.text[0] = '\0';
	*f = memory_file(data, size);
	ret = image_open(f, request, image, &extras, &err);
	image_extras_free(&extras);
	return ret;
}

/* Opens @data as the fake kernel: format @type. */
static void assert_opens(const void *data, size_t size, const char *type)
{
	union fake_image k;
	struct image image;
	struct file f;

	fake_image(&k);
	if (open_bytes(data, size, &all, &image, &f))
		fail_msg("%s: %s", type, err.text);
	assert_ptr_equal(image.format, image_format_of_type(type));
	assert_int_equal(image.kernel.size, sizeof(k));
	assert_memory_equal(image.kernel.data, k.file, sizeof(k));
	assert_int_equal(f.bytes.size, sizeof(k)); /* what kexec_file_load() gets */
	file_close(&f);
}

static void test_opens_image(void **state)
{
	union fake_image k;

	(void)state;
	fake_image(&k);
	assert_opens(k.file, sizeof(k), "Image");
	memcpy(k.file, "MZ", 2); /* with an EFI stub */
	k.h.code[0] = 0x91005a4d;
	assert_opens(k.file, sizeof(k), "Image");
}

static void refuse(const void *data, size_t size, const struct image_request *request,
		   const char *says)
{
	struct image image;
	struct file f;

	assert_true(open_bytes(data, size, request, &image, &f) < 0);
	assert_says(says);
	file_close(&f);
}

struct packed {
	uint8_t data[FAKE_ZBOOT_AT + 2 * FAKE_IMAGE_SIZE];
	size_t size; /* of the packed kernel */
};

static const char *pack_gzip(const union fake_image *k, struct packed *out)
{
#ifdef HAVE_ZLIB
	z_stream z = { .next_in = (z_const Bytef *)k->file,
		       .avail_in = sizeof(k->file),
		       .next_out = out->data,
		       .avail_out = sizeof(out->data) };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->size = z.total_out;
	deflateEnd(&z);
	return "gzip";
#else
	(void)k, (void)out;
	return NULL;
#endif
}

static const char *pack_xz(const union fake_image *k, struct packed *out)
{
#ifdef HAVE_LZMA
	out->size = 0;
	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, k->file,
						 sizeof(k->file), out->data, &out->size,
						 sizeof(out->data)),
			 LZMA_OK);
	return "xzkern";
#else
	(void)k, (void)out;
	return NULL;
#endif
}

static const char *pack_zstd(const union fake_image *k, struct packed *out)
{
#ifdef HAVE_ZSTD
	out->size =
		ZSTD_compress(out->data, sizeof(out->data), k->file, sizeof(k->file), 1);
	assert_false(ZSTD_isError(out->size));
	return "zstd22";
#else
	(void)k, (void)out;
	return NULL;
#endif
}

static void test_compressed(void **state)
{
	const char *(*const packers[])(const union fake_image *,
				       struct packed *) = { pack_gzip, pack_xz,
							    pack_zstd };

	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		uint8_t zboot[FAKE_ZBOOT_AT + 2 * FAKE_IMAGE_SIZE];
		struct packed packed;
		union fake_image k;
		const char *type;

		fake_image(&k);
		type = packers[i](&k, &packed);
		if (!type) /* built without the library */
			continue;
		assert_opens(packed.data, packed.size, "Image");
		/* an EFI program's own code follows the payload */
		memset(zboot, 0x11, sizeof(zboot));
		fake_zboot(zboot, type, packed.data, (uint32_t)packed.size);
		assert_opens(zboot, sizeof(zboot), "vmlinuz");
	}
}

static void test_damaged_zboot(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *says;
	} cases[] = {
		{ 8, 0xffffffff, "truncated zboot image" },
		{ 8, 2 * FAKE_IMAGE_SIZE, "truncated zboot image" },
		{ 12, 0, "truncated zboot image" },
		{ 12, 0xffffffff, "truncated zboot image" },
		{ 8, FAKE_ZBOOT_AT - 1, "packed with lz4" },
		{ FAKE_ZBOOT_AT + 56, 0, "packed with lz4: not a kernel" },
		{ FAKE_ZBOOT_AT + 56, 0x05435352, "a kernel for riscv64" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t zboot[FAKE_ZBOOT_AT + FAKE_IMAGE_SIZE];
		union fake_image k;

		fake_image(&k);
		fake_zboot(zboot, "lz4", k.file, sizeof(k));
		memcpy(zboot + cases[i].at, &cases[i].value, 4);
		refuse(zboot, sizeof(zboot), &all, cases[i].says);
	}
	refuse("MZ\0\0zimg", 8, &all, "truncated zboot image: 8 bytes");
}

static void test_opens_uki(void **state)
{
	union fake_image k;
	const struct content contents[] = {
		{ ".cmdline", "quiet", 5 },
		{ ".initrd", "initrd", 6 },
		{ ".linux", k.file, sizeof(k.file) },
	};
	static struct fake_uki u;

	(void)state;
	fake_image(&k);
	fake_uki(&u, contents, COUNT(contents));
	refuse(u.file, u.size, &all,
	       "a UKI for x86_64 (PE machine 0x8664), not for aarch64");
	put16(&u, PE_AT + 4, 0xaa64);
	assert_opens(u.file, u.size, "uki");
}

static void test_other_files(void **state)
{
	static const struct image_request entry_32bit = { .entry_32bit = true };
	static uint8_t file[8192];
	union fake_image k;

	(void)state;
	memset(file, 0x90, sizeof(file));
	memcpy(file + 0x1fe, "\x55\xaa\xeb\x6aHdrS", 8);
	refuse(file, sizeof(file), &all, "a bzImage, a kernel for x86");
	memcpy(file, "MZ", 2); /* with an EFI stub */
	refuse(file, sizeof(file), &all, "a bzImage, a kernel for x86");
	memset(file, 0x90, sizeof(file));
	memcpy(file, "\177ELF", 4);
	refuse(file, sizeof(file), &all, "an ELF file");
	fake_image(&k);
	memcpy(k.h.magic, "RSC\x05", 4);
	refuse(k.file, sizeof(k), &all, "a kernel for riscv64");
	fake_image(&k);
	refuse(k.file, sizeof(k), &entry_32bit, "--entry-32bit");
}

/* Pages of the running kernel, and those of the image. */
static void test_pages(void **state)
{
	struct machine m = { .page_size = 64 * KIB };
	struct image image = { .align_offset = 0x80000, .arch_flags = 3 };

	(void)state;
	assert_int_equal(arch_check_image(&m, &image, &err), 0);
	assert_null(arch_choose_entry(&m, &image));
	image.arch_flags = 0; /* not said */
	assert_null(arch_choose_entry(&m, &image));
	image.arch_flags = 2;
	assert_non_null(strstr(arch_choose_entry(&m, &image), "16 KiB"));
	image.align_offset = 0x81000;
	assert_int_equal(arch_check_image(&m, &image, &err), -ENOEXEC);
	assert_says("pages of 64 KiB");
	m.page_size = 4 * KIB;
	assert_int_equal(arch_check_image(&m, &image, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),	    cmocka_unit_test(test_text_offset),
		cmocka_unit_test(test_larger_file), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_short_files), cmocka_unit_test(test_opens_image),
		cmocka_unit_test(test_compressed),  cmocka_unit_test(test_damaged_zboot),
		cmocka_unit_test(test_opens_uki),   cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
