// SPDX-License-Identifier: GPL-2.0-only
#include "image/decompress.h"

#include "base/cleanup.h"
#include "base/library.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

/* The first bytes: RFC 1952 section 2.3, the .xz file format 1.1.0, RFC 8878
 * section 3.1.1 */
#define GZIP_MAGIC "\x1f\x8b\x08"
#define XZ_MAGIC                                                                         \
	"\xfd"                                                                           \
	"7zXZ\0"
#define ZSTD_MAGIC	  "\x28\xb5\x2f\xfd"
#define MAGIC_SIZE(magic) (sizeof(magic) - 1)

#define MAYBE_UNUSED __attribute__((unused))

#define OUT_SIZE ((size_t)256 << 10)

/* Limit on a library's memory while unpacking: a hostile header can ask for more. */
#define MEMORY_MAX     ((uint64_t)512 << 20)
#define WINDOW_LOG_MAX 29 /* the same for zstd, as log2 of bytes */

/* A file being unpacked. */
struct unpacker {
	const char *path;
	const char *format;
	struct bytes in;
	size_t max;	/* maximum size of the output, bytes */
	size_t written; /* output so far, bytes */
	int fd;		/* receives the output */
	uint8_t *out;	/* buffer of OUT_SIZE bytes between library and fd */
	struct progress *progress;
	struct error *err;
};

static int damaged(struct unpacker *u, const char *how)
{
	return error_set(u->err, EBADMSG, "%s: the %s file is %s", u->path, u->format,
			 how);
}

/* MAYBE_UNUSED: for builds without any of the libraries. */
MAYBE_UNUSED static int too_hungry(struct unpacker *u)
{
	return error_set(u->err, EFBIG, "%s: takes more than %u MiB of memory to unpack",
			 u->path, (unsigned int)(MEMORY_MAX >> 20));
}

/* Writes the first @size bytes of u->out to the output. */
MAYBE_UNUSED static int emit(struct unpacker *u, size_t size)
{
	int ret;

	if (size > u->max - u->written)
		return error_set(
			u->err, EFBIG,
			"%s: unpacks to more than %zu bytes; no kernel is that big",
			u->path, u->max);
	u->written += size;
	progress_add(u->progress, size);
	ret = file_write_all(u->fd, u->out, size);
	return ret ? error_set(u->err, -ret, "%s: no memory to unpack it: %s", u->path,
			       errno_text(-ret))
		   : 0;
}

/* Padding after the compressed data. */
MAYBE_UNUSED static bool only_zeroes(const uint8_t *data, size_t size)
{
	while (size && !*data)
		data++, size--;
	return !size;
}

#ifdef HAVE_ZLIB
#define ZLIB(X) X(inflate) X(inflateEnd) X(inflateInit2_) X(inflateReset)
LIBRARY_FUNCTIONS(zlib, ZLIB)

#define GZIP_WINDOW_BITS (16 + MAX_WBITS)  /* gzip only; see inflateInit2() in zlib.h */
#define GZIP_STEP	 ((size_t)1 << 30) /* zlib counts in unsigned int */

static size_t gzip_left(const struct unpacker *u, const z_stream *z)
{
	return (size_t)(u->in.data + u->in.size - z->next_in);
}

/*
 * After a gzip member: 1, another one follows; 0, end of file; otherwise the file is
 * damaged.
 */
static int gzip_next_member(struct unpacker *u, z_stream *z)
{
	size_t left = gzip_left(u, z);

	if (left >= MAGIC_SIZE(GZIP_MAGIC) &&
	    memcmp(z->next_in, GZIP_MAGIC, MAGIC_SIZE(GZIP_MAGIC)) == 0)
		return libzlib.inflateReset(z) == Z_OK ? 1 : damaged(u, "damaged");
	return only_zeroes(z->next_in, left) ? 0
					     : damaged(u, "followed by something else");
}

static int gzip_members(struct unpacker *u, z_stream *z)
{
	for (;;) {
		size_t left = gzip_left(u, z);
		int ret, state;

		z->avail_in = (uInt)(left < GZIP_STEP ? left : GZIP_STEP);
		z->next_out = u->out;
		z->avail_out = OUT_SIZE;
		state = libzlib.inflate(z, Z_NO_FLUSH);
		ret = emit(u, OUT_SIZE - z->avail_out);
		if (ret)
			return ret;
		if (state == Z_STREAM_END) {
			ret = gzip_next_member(u, z);
			if (ret <= 0)
				return ret;
		} else if (state == Z_BUF_ERROR) {
			return damaged(u, "truncated");
		} else if (state != Z_OK) {
			return damaged(u, "damaged");
		}
	}
}

static int unpack_gzip(struct unpacker *u)
{
	z_stream z = { .next_in = (z_const Bytef *)u->in.data };
	int ret;

	/* what the macro inflateInit2() calls */
	if (libzlib.inflateInit2_(&z, GZIP_WINDOW_BITS, ZLIB_VERSION, sizeof(z)) != Z_OK)
		return error_set(u->err, ENOMEM, "%s: out of memory", u->path);
	ret = gzip_members(u, &z);
	libzlib.inflateEnd(&z);
	return ret;
}
#else
#define open_zlib   NULL
#define unpack_gzip NULL
#endif

#ifdef HAVE_LZMA
#define LZMA(X) X(lzma_code) X(lzma_end) X(lzma_stream_decoder)
LIBRARY_FUNCTIONS(lzma, LZMA)

static int xz_failure(struct unpacker *u, lzma_ret state)
{
	switch (state) {
	case LZMA_BUF_ERROR:
		return damaged(u, "truncated");
	case LZMA_MEM_ERROR:
		return error_set(u->err, ENOMEM, "%s: out of memory", u->path);
	case LZMA_MEMLIMIT_ERROR:
		return too_hungry(u);
	default:
		return damaged(u, "damaged");
	}
}

static int xz_streams(struct unpacker *u, lzma_stream *s)
{
	lzma_ret state;

	s->next_in = u->in.data;
	s->avail_in = u->in.size;
	do {
		int ret;

		s->next_out = u->out;
		s->avail_out = OUT_SIZE;
		state = liblzma.lzma_code(s, LZMA_FINISH);
		ret = emit(u, OUT_SIZE - s->avail_out);
		if (ret)
			return ret;
	} while (state == LZMA_OK);
	return state == LZMA_STREAM_END ? 0 : xz_failure(u, state);
}

static int unpack_xz(struct unpacker *u)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret state = liblzma.lzma_stream_decoder(&s, MEMORY_MAX, LZMA_CONCATENATED);
	int ret = state == LZMA_OK ? xz_streams(u, &s) : xz_failure(u, state);

	liblzma.lzma_end(&s);
	return ret;
}
#else
#define open_lzma NULL
#define unpack_xz NULL
#endif

#ifdef HAVE_ZSTD
#define ZSTD(X)                                                                          \
	X(ZSTD_createDCtx)                                                               \
	X(ZSTD_DCtx_setParameter)                                                        \
	X(ZSTD_decompressStream) X(ZSTD_freeDCtx) X(ZSTD_getErrorCode) X(ZSTD_isError)
LIBRARY_FUNCTIONS(zstd, ZSTD)

static int zstd_failure(struct unpacker *u, size_t state)
{
	switch (libzstd.ZSTD_getErrorCode(state)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return too_hungry(u);
	case ZSTD_error_memory_allocation:
		return error_set(u->err, ENOMEM, "%s: out of memory", u->path);
	default:
		return damaged(u, "damaged");
	}
}

static int zstd_frames(struct unpacker *u, ZSTD_DCtx *ctx)
{
	ZSTD_inBuffer in = { .src = u->in.data, .size = u->in.size };
	bool within = true; /* inside a frame */

	while (within ||
	       !only_zeroes((const uint8_t *)in.src + in.pos, in.size - in.pos)) {
		ZSTD_outBuffer out = { .dst = u->out, .size = OUT_SIZE };
		size_t before = in.pos;
		size_t state = libzstd.ZSTD_decompressStream(ctx, &out, &in);
		int ret = emit(u, out.pos);

		if (ret)
			return ret;
		if (libzstd.ZSTD_isError(state))
			return zstd_failure(u, state);
		if (state && in.pos == before && !out.pos)
			return damaged(u, "truncated");
		within = state != 0;
	}
	return 0;
}

static int unpack_zstd(struct unpacker *u)
{
	ZSTD_DCtx *ctx = libzstd.ZSTD_createDCtx();
	int ret;

	if (!ctx)
		return error_set(u->err, ENOMEM, "%s: out of memory", u->path);
	libzstd.ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	ret = zstd_frames(u, ctx);
	libzstd.ZSTD_freeDCtx(ctx);
	return ret;
}
#else
#define open_zstd   NULL
#define unpack_zstd NULL
#endif

static const struct compression compressions[] = {
	{ "gzip", "zlib", GZIP_MAGIC, MAGIC_SIZE(GZIP_MAGIC), open_zlib, unpack_gzip },
	{ "xz", "liblzma", XZ_MAGIC, MAGIC_SIZE(XZ_MAGIC), open_lzma, unpack_xz },
	{ "zstd", "libzstd", ZSTD_MAGIC, MAGIC_SIZE(ZSTD_MAGIC), open_zstd, unpack_zstd },
};

#define NR_COMPRESSIONS (sizeof(compressions) / sizeof(compressions[0]))

const struct compression *compression_get(size_t i)
{
	return i < NR_COMPRESSIONS ? &compressions[i] : NULL;
}

static const struct compression *find_compression(struct bytes content)
{
	const struct compression *c;

	for (size_t i = 0; (c = compression_get(i)); i++)
		if (content.size >= c->magic_size &&
		    memcmp(content.data, c->magic, c->magic_size) == 0)
			return c;
	return NULL;
}

static int unpack(const struct compression *format, struct unpacker *u)
{
	_cleanup_free_ uint8_t *out = malloc(OUT_SIZE);
	int ret;

	if (!out)
		return error_set(u->err, ENOMEM, "%s: out of memory", u->path);
	u->out = out;
	ret = format->unpack(u);
	if (!ret && !u->written)
		ret = damaged(u, "empty once it is unpacked");
	return ret;
}

/* Unpacks @f into a new file @out. */
static int unpack_file(const struct compression *format, const struct file *f, size_t max,
		       struct file *out, struct error *err)
{
	struct unpacker u = { .path = f->path,
			      .format = format->name,
			      .in = f->bytes,
			      .max = max,
			      .progress = f->progress,
			      .err = err };
	int ret;

	u.fd = memfd_create("kexec-kernel", MFD_CLOEXEC);
	if (u.fd < 0)
		return error_set(err, errno, "%s: no memory to unpack it: %s", f->path,
				 errno_text(errno));
	progress_begin(f->progress, "unpacking", f->path, 0);
	ret = unpack(format, &u);
	progress_end(f->progress);
	if (!ret)
		return file_adopt(u.fd, f->path, out, err);
	close(u.fd);
	return ret;
}

int file_decompress_max(struct file *f, size_t max, struct error *err)
{
	const struct compression *format = find_compression(file_head(f));
	struct file packed, out;
	int ret;

	if (!format)
		return 0;
	if (!format->unpack)
		return error_set(
			err, ENOTSUP,
			"%s is compressed with %s and this kexec was built without %s",
			f->path, format->name, format->library);
	ret = format->open_library(err);
	if (ret) {
		error_prefix(err, "%s", f->path);
		return ret;
	}
	/* copying, for example, a backup could use up all memory */
	if (f->stamp.size > DECOMPRESS_MAX)
		return error_set(err, EFBIG,
				 "%s: has more than %zu bytes; no kernel is that big",
				 f->path, DECOMPRESS_MAX);
	/*
	 * Unpacking reads the whole mapping, which must not shrink: copy the file first.
	 */
	ret = file_copy(f, &packed, err);
	if (ret)
		return ret;
	packed.progress = f->progress;
	ret = file_check(f, err); /* otherwise the copy may mix old and new content */
	if (!ret)
		ret = unpack_file(format, &packed, max, &out, err);
	file_close(&packed);
	if (ret)
		return ret;
	out.progress = f->progress;
	file_close(f);
	*f = out;
	return 0;
}

int file_decompress(struct file *f, struct error *err)
{
	return file_decompress_max(f, DECOMPRESS_MAX, err);
}
