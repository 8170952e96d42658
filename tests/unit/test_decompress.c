// SPDX-License-Identifier: GPL-2.0-only
#include "image/decompress.h"

#include "check.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define PLAIN_SIZE (((size_t)1 << 20) + 7) /* several of the unpacker's buffers */
#define ROOM	   ((size_t)2 * PLAIN_SIZE)

/* Compressible, but not trivial. */
static void make_plain(uint8_t *plain)
{
	uint32_t x = 1;

	for (size_t i = 0; i < PLAIN_SIZE; i++) {
		x = x * 1664525 + 1013904223;
		plain[i] = (uint8_t)(x >> 29);
	}
}

static struct file as_file(const void *data, size_t size)
{
	struct error err = { "" };
	char path[] = "/tmp/kexec-seed-test.XXXXXX";
	int fd = mkstemp(path);
	struct file f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
	assert_int_equal(file_open(path, &f, &err), 0);
	unlink(path);
	return f;
}

/* Not compressed, or cannot be unpacked: the file stays unchanged. */
static void assert_kept(const void *data, size_t size, size_t max, int code,
			const char *words)
{
	struct error err = { "" };
	struct file f = as_file(data, size);
	const struct file before = f;

	assert_int_equal(file_decompress_max(&f, max, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	assert_memory_equal(&f, &before, sizeof(f));
	assert_true(memcmp(f.bytes.data, data, size) == 0);
	file_close(&f);
}

static void test_not_compressed(void **state)
{
	static const char *const contents[] = { "MZ",
						"\x1f",
						"\x1f\x8b",
						"\xfd"
						"7zXZ",
						"\x28\xb5\x2f",
						"\x7f"
						"ELF",
						"BZh9" };

	(void)state;
	for (size_t i = 0; i < COUNT(contents); i++)
		assert_kept(contents[i], strlen(contents[i]), DECOMPRESS_MAX, 0, "");
}

/* A compressor, and what the table says of its format. */
struct packer {
	const char *name;
	const char *library;
	const char *magic;
	size_t magic_size;
	size_t (*pack)(const uint8_t *in, size_t size,
		       uint8_t *out); /* NULL: not built */
};

#ifdef HAVE_ZLIB
static size_t pack_gzip(const uint8_t *in, size_t size, uint8_t *out)
{
	z_stream z = { 0 };

	assert_int_equal(
		deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	z.next_in = (z_const Bytef *)in;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)ROOM;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size = z.total_out;
	deflateEnd(&z);
	return size;
}
#else
#define pack_gzip NULL
#endif

#ifdef HAVE_LZMA
static size_t pack_xz(const uint8_t *in, size_t size, uint8_t *out)
{
	size_t used = 0;

	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, in, size, out,
						 &used, ROOM),
			 LZMA_OK);
	return used;
}
#else
#define pack_xz NULL
#endif

#ifdef HAVE_ZSTD
static size_t pack_zstd(const uint8_t *in, size_t size, uint8_t *out)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t used;

	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	used = ZSTD_compress2(ctx, out, ROOM, in, size);
	assert_false(ZSTD_isError(used));
	ZSTD_freeCCtx(ctx);
	return used;
}
#else
#define pack_zstd NULL
#endif

static const struct packer packers[] = {
	{ "gzip", "zlib", "\x1f\x8b\x08", 3, pack_gzip },
	{ "xz", "liblzma",
	  "\xfd"
	  "7zXZ\0",
	  6, pack_xz },
	{ "zstd", "libzstd", "\x28\xb5\x2f\xfd", 4, pack_zstd },
};

/* A test's data, before and after compression. */
struct work {
	uint8_t plain[PLAIN_SIZE];
	uint8_t packed[2 * ROOM];
	size_t size;
};

static void assert_unpacks(const uint8_t *packed, size_t size, const uint8_t *plain,
			   size_t plain_size)
{
	struct error err = { "" };
	struct file f = as_file(packed, size);
	char *path = strdup(f.path);
	uint8_t byte;

	assert_int_equal(file_decompress(&f, &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(f.bytes.size, plain_size);
	assert_true(memcmp(f.bytes.data, plain, plain_size) == 0);
	assert_string_equal(f.path, path);
	/* kexec_file_load() reads the descriptor */
	assert_int_equal(lseek(f.fd, 0, SEEK_END), plain_size);
	assert_int_equal(pread(f.fd, &byte, 1, (off_t)plain_size - 1), 1);
	assert_int_equal(byte, plain[plain_size - 1]);
	file_close(&f);
	free(path);
}

static void check_whole(const struct packer *p, struct work *w)
{
	(void)p;
	assert_unpacks(w->packed, w->size, w->plain, PLAIN_SIZE);
	memset(w->packed + w->size, 0, 512);
	assert_unpacks(w->packed, w->size + 512, w->plain, PLAIN_SIZE);
}

static void check_two_streams(const struct packer *p, struct work *w)
{
	size_t first = p->pack(w->plain, 1000, w->packed);
	size_t second = p->pack(w->plain + 1000, PLAIN_SIZE - 1000, w->packed + first);

	assert_unpacks(w->packed, first + second, w->plain, PLAIN_SIZE);
	w->size = p->pack(w->plain, PLAIN_SIZE, w->packed);
}

static void check_truncated(const struct packer *p, struct work *w)
{
	const size_t sizes[] = { p->magic_size, p->magic_size + 1, 20,
				 w->size / 2,	w->size - 9,	   w->size - 4,
				 w->size - 1 };
	char words[64];

	snprintf(words, sizeof(words), "the %s file is truncated", p->name);
	for (size_t i = 0; i < COUNT(sizes); i++)
		assert_kept(w->packed, sizes[i], DECOMPRESS_MAX, EBADMSG, words);
}

static void check_damaged(const struct packer *p, struct work *w)
{
	memset(w->packed + w->size / 2, 0xff, 64);
	assert_kept(w->packed, w->size, DECOMPRESS_MAX, EBADMSG, "file is damaged");
	memset(w->packed + p->magic_size, 0xff, 64);
	assert_kept(w->packed, w->size, DECOMPRESS_MAX, EBADMSG, "file is damaged");
	w->size = p->pack(w->plain, PLAIN_SIZE, w->packed);
	memcpy(w->packed + w->size, "rubbish!", 8);
	assert_kept(w->packed, w->size + 8, DECOMPRESS_MAX, EBADMSG, "file is");
	memcpy(w->packed + w->size, "\0\0\0\0\0\0\0\x01", 8);
	assert_kept(w->packed, w->size + 8, DECOMPRESS_MAX, EBADMSG, "file is");
}

static void check_limit(const struct packer *p, struct work *w)
{
	(void)p;
	assert_kept(w->packed, w->size, PLAIN_SIZE - 1, EFBIG,
		    "unpacks to more than 1048582");
	assert_kept(w->packed, w->size, 0, EFBIG, "unpacks to more than 0 bytes");
}

/* Refused before it is copied: a large backup, for example. */
static void check_huge(const struct packer *p, struct work *w)
{
	char path[] = "/tmp/kexec-seed-test.XXXXXX";
	int fd = mkstemp(path);
	struct error err = { "" };
	struct file f;

	(void)p;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, w->packed, w->size), w->size);
	assert_int_equal(ftruncate(fd, (off_t)DECOMPRESS_MAX + 1), 0);
	assert_int_equal(file_adopt(fd, "large", &f, &err), 0);
	assert_int_equal(file_decompress(&f, &err), -EFBIG);
	assert_string_equal(
		err.text, "large: has more than 1073741824 bytes; no kernel is that big");
	file_close(&f);
}

static void check_empty(const struct packer *p, struct work *w)
{
	size_t size = p->pack(w->plain, 0, w->packed);

	assert_kept(w->packed, size, DECOMPRESS_MAX, EBADMSG,
		    "is empty once it is unpacked");
	w->size = p->pack(w->plain, PLAIN_SIZE, w->packed);
}

static void for_each_format(void (*check)(const struct packer *p, struct work *w))
{
	struct work *w = malloc(sizeof(*w));

	assert_non_null(w);
	make_plain(w->plain);
	for (size_t i = 0; i < COUNT(packers); i++) {
		if (!packers[i].pack)
			continue;
		w->size = packers[i].pack(w->plain, PLAIN_SIZE, w->packed);
		check(&packers[i], w);
	}
	free(w);
}

static void test_whole(void **state)
{
	(void)state;
	for_each_format(check_whole);
}

static void test_two_streams(void **state)
{
	(void)state;
	for_each_format(check_two_streams);
}

static void test_truncated(void **state)
{
	(void)state;
	for_each_format(check_truncated);
}

static void test_damaged(void **state)
{
	(void)state;
	for_each_format(check_damaged);
}

static void test_limit(void **state)
{
	(void)state;
	for_each_format(check_limit);
}

static void test_huge(void **state)
{
	(void)state;
	for_each_format(check_huge);
}

static void test_empty(void **state)
{
	(void)state;
	for_each_format(check_empty);
}

/* The result cannot be stored: no file may grow, or be opened. */
static void check_no_room(const struct packer *p, struct work *w)
{
	struct rlimit size, files, none = { 4096, RLIM_INFINITY };
	struct error err = { "" };
	struct file f = as_file(w->packed, w->size);

	(void)p;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &size), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	none.rlim_max = size.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(file_decompress(&f, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &size), 0);
	assert_non_null(strstr(err.text, "no memory"));

	none = (struct rlimit){ 0, files.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(file_decompress(&f, &err), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	assert_non_null(strstr(err.text, "no memory"));
	file_close(&f);
}

static void test_no_room(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for_each_format(check_no_room);
}

/* Without its library a format is still recognised, and the message names the library. */
static void test_not_built(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		const struct packer *p = &packers[i];
		char words[96];

		if (p->pack)
			continue;
		snprintf(words, sizeof(words),
			 "is compressed with %s and this kexec was built without %s",
			 p->name, p->library);
		assert_kept(p->magic, p->magic_size, DECOMPRESS_MAX, ENOTSUP, words);
	}
}

/* The table has these formats, in this order, and unpacks those that were built. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		const struct compression *c = compression_get(i);

		assert_non_null(c);
		assert_string_equal(c->name, packers[i].name);
		assert_string_equal(c->library, packers[i].library);
		assert_int_equal(c->magic_size, packers[i].magic_size);
		assert_memory_equal(c->magic, packers[i].magic, c->magic_size);
		assert_true(!c->unpack == !packers[i].pack);
		assert_true(!c->open_library == !c->unpack);
	}
	assert_null(compression_get(COUNT(packers)));
	assert_null(compression_get(SIZE_MAX));
}

#ifdef HAVE_LZMA
/* A header that asks for a dictionary of 4 GiB. */
static void test_hungry_xz(void **state)
{
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options },
				  { LZMA_VLI_UNKNOWN, NULL } };
	uint8_t packed[256], plain[16] = "kernel";
	size_t used = 0, header_size;
	uint32_t crc;

	(void)state;
	lzma_lzma_preset(&options, 0);
	assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, plain,
						   sizeof(plain), packed, &used,
						   sizeof(packed)),
			 LZMA_OK);
	/*
	 * The block header follows the stream header's 12 bytes: its size, flags (both
	 * sizes are present), the two sizes, filter, size of its properties, dictionary
	 * size (40 means 4 GiB - 1), padding, CRC32.
	 */
	header_size = (packed[12] + 1u) * 4;
	assert_int_equal(packed[13], 0xc0);
	assert_int_equal(packed[16], LZMA_FILTER_LZMA2);
	packed[18] = 40;
	crc = lzma_crc32(packed + 12, header_size - 4, 0);
	for (int i = 0; i < 4; i++)
		packed[12 + header_size - 4 + i] = (uint8_t)(crc >> (8 * i));
	assert_kept(packed, used, DECOMPRESS_MAX, EFBIG,
		    "takes more than 512 MiB of memory");
}
#endif

#ifdef HAVE_ZSTD
/* A frame header (RFC 8878, 3.1.1.1) that asks for a window of 2 TiB. */
static void test_hungry_zstd(void **state)
{
	static const uint8_t packed[] = {
		0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0, 0
	};
	static const uint8_t next[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0, 0 };

	(void)state;
	assert_kept(packed, sizeof(packed), DECOMPRESS_MAX, EFBIG,
		    "takes more than 512 MiB of memory");
	/* 1 GiB, the first power of two beyond the limit */
	assert_kept(next, sizeof(next), DECOMPRESS_MAX, EFBIG,
		    "takes more than 512 MiB of memory");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_compressed), cmocka_unit_test(test_whole),
		cmocka_unit_test(test_two_streams),    cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),	       cmocka_unit_test(test_limit),
		cmocka_unit_test(test_empty),	       cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_not_built),      cmocka_unit_test(test_huge),
		cmocka_unit_test(test_table),
#ifdef HAVE_LZMA
		cmocka_unit_test(test_hungry_xz),
#endif
#ifdef HAVE_ZSTD
		cmocka_unit_test(test_hungry_zstd),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
