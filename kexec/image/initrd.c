// SPDX-License-Identifier: GPL-2.0-only
#include "image/initrd.h"

#include "arch/arch.h"
#include "image/format.h"
#include "image/unsupported.h"

#include <errno.h>
#include <string.h>

/* What the kernel unpacks: init/initramfs.c and lib/decompress.c. */
static const struct {
	const char *bytes;
	size_t size;
} archives[] = {
	{ "070701", 6 },   { "070702", 6 },   /* cpio */
	{ "\x1f\x8b", 2 }, { "\x1f\x9e", 2 }, /* gzip */
	{ "BZ", 2 },			      /* bzip2 */
	{ "\x5d\0", 2 },		      /* lzma */
	{ "\xfd\x37", 2 },		      /* xz */
	{ "\x89LZO", 4 },		      /* lzo */
	{ "\x02\x21", 2 },		      /* lz4 */
	{ "\x28\xb5", 2 },		      /* zstd */
};

static bool is_archive(struct bytes start)
{
	while (start.size && !*start.data) { /* the kernel skips zeroes */
		start.data++;
		start.size--;
	}
	for (size_t i = 0; i < sizeof(archives) / sizeof(archives[0]); i++)
		if (start.size >= archives[i].size &&
		    !memcmp(start.data, archives[i].bytes, archives[i].size))
			return true;
	return false;
}

/* The kernel format of such a file; NULL: none. */
static const char *kernel_format(struct bytes start, uint64_t file_size)
{
	struct error ignored;

	for (const struct image_format *f = arch_image_formats; f->type; f++)
		if (f->probe && f->name && f->probe(start, file_size, &ignored))
			return f->name;
	return NULL;
}

bool initrd_doubt(struct bytes start, uint64_t file_size, struct error *doubt)
{
	const char *kernel = kernel_format(start, file_size), *other;

	if (kernel) {
		error_set(doubt, ENOEXEC, "is a kernel (%s), given as the initrd",
			  kernel);
		return true;
	}
	if (is_archive(start))
		return false;
	other = unsupported_name(start);
	error_set(doubt, ENOEXEC,
		  "is %s and no initrd that Linux unpacks (a cpio archive, plain or "
		  "compressed with gzip, bzip2, lzma, xz, lzo, lz4 or zstd)",
		  other ? other : "no archive");
	return true;
}
