// SPDX-License-Identifier: GPL-2.0-only
#include "arch/dt/linux_image.h"

#include "base/units.h"
#include "image/decompress.h"
#include "image/unsupported.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define PAGE_MIN 4096u /* the smallest page of any of these kernels */

/* Larger than any kernel: sums below cannot overflow. */
#define SIZE_LIMIT (16 * GIB)

/*
 * The kernel's drivers/firmware/efi/libstub/zboot-header.S: "MZ", "zimg", offset and size
 * of the packed kernel, and the name of the compression at 24.
 */
#define ZBOOT_MAGIC    "zimg"
#define ZBOOT_MAGIC_AT 4u
#define ZBOOT_TYPE_AT  24u
#define ZBOOT_TYPE_MAX 32u

#define FLAG_BIG_ENDIAN 0x1u /* of an Image, with any magic */

struct zboot {
	uint32_t mz;
	char magic[4];
	uint32_t payload_offset;
	uint32_t payload_size;
	uint32_t reserved[2];
	char type[ZBOOT_TYPE_MAX];
};

_Static_assert(offsetof(struct zboot, type) == ZBOOT_TYPE_AT, "zboot-header.S");

static bool is_image(struct bytes start)
{
	struct bytes at;

	return bytes_slice(start, offsetof(struct linux_image, magic),
			   sizeof(linux_image_magic), &at) &&
	       !memcmp(at.data, linux_image_magic, at.size);
}

static int not_an_image(struct bytes head, struct error *err)
{
	const char *other = unsupported_name(head);

	return error_set(err, ENOEXEC, "not a kernel that can be loaded%s%s",
			 other ? ", but " : "", other ? other : "");
}

static int check_header(const struct linux_image *h, uint64_t file_size,
			struct error *err)
{
	if (!h->image_size)
		return error_set(err, ENOEXEC,
				 "its header does not say how much memory it needs "
				 "(Linux 3.17 and later say so)");
	if (h->image_size > SIZE_LIMIT || h->text_offset > linux_image_offset_max ||
	    h->text_offset % PAGE_MIN)
		return error_set(err, ENOEXEC,
				 "damaged header: size 0x%llx, text offset 0x%llx",
				 (unsigned long long)h->image_size,
				 (unsigned long long)h->text_offset);
	if (file_size > SIZE_LIMIT)
		return error_set(err, ENOEXEC, "too large to be a kernel");
	if (h->flags & FLAG_BIG_ENDIAN)
		return error_set(err, ENOEXEC,
				 "a big-endian kernel; only little-endian "
				 "ones are booted");
	return 0;
}

int linux_image_parse(struct bytes head, uint64_t file_size, struct image *out,
		      struct error *err)
{
	struct linux_image h;
	int ret;

	*out = (struct image){ 0 };
	if (!is_image(head) || head.size < sizeof(h))
		return not_an_image(head, err);
	memcpy(&h, head.data, sizeof(h));
	ret = check_header(&h, file_size, err);
	if (ret)
		return ret;
	/* a signature may follow the kernel */
	out->mem_size =
		align_up(h.image_size > file_size ? h.image_size : file_size, PAGE_MIN);
	out->align = linux_image_align;
	out->align_offset = h.text_offset % linux_image_align;
	out->cmdline_max = linux_image_cmdline_max;
	out->file_cmdline_max = linux_image_cmdline_max;
	linux_image_take_flags(&h, out);
	return 0;
}

int linux_image_probe(struct bytes start, uint64_t file_size, struct error *err)
{
	(void)file_size, (void)err;
	return is_image(start);
}

int linux_image_open(struct file *f, struct bytes start,
		     const struct image_request *request, struct image *out,
		     struct image_extras *extras, struct error *err)
{
	int ret = linux_image_parse(file_head(f), f->bytes.size, out, err);

	(void)start, (void)extras;
	if (!ret && request->entry_32bit)
		ret = error_set(err, EINVAL,
				"--entry-32bit: this kernel has no such entry point");
	if (ret)
		error_prefix(err, "%s", f->path);
	out->kernel = f->bytes;
	return ret;
}

int zboot_probe(struct bytes start, uint64_t file_size, struct error *err)
{
	struct bytes at;

	(void)file_size, (void)err;
	return bytes_slice(start, ZBOOT_MAGIC_AT, sizeof(ZBOOT_MAGIC) - 1, &at) &&
	       !memcmp(start.data, "MZ", 2) && !memcmp(at.data, ZBOOT_MAGIC, at.size);
}

/* Replaces @f by its payload, unpacked. */
static int take_payload(struct file *f, const struct zboot *h, struct error *err)
{
	const struct file_part part = { .file = f,
					.from = h->payload_offset,
					.size = h->payload_size };
	struct file payload;
	int ret;

	if (!part.size || part.from + part.size > f->stamp.size)
		return error_set(err, ENOEXEC,
				 "%s: truncated zboot image: %llu bytes, its payload "
				 "reaches up to %llu",
				 f->path, (unsigned long long)f->stamp.size,
				 (unsigned long long)(part.from + part.size));
	ret = file_compose(f, &part, 1, part.size, &payload, err);
	if (ret)
		return ret;
	payload.progress = f->progress;
	ret = file_decompress(&payload, err);
	if (ret) {
		file_close(&payload);
		return ret;
	}
	file_close(f);
	*f = payload;
	return 0;
}

int zboot_open(struct file *f, struct bytes start, const struct image_request *request,
	       struct image *out, struct image_extras *extras, struct error *err)
{
	struct zboot h;
	int ret;

	if (start.size < sizeof(h))
		return error_set(err, ENOEXEC, "%s: truncated zboot image: %zu bytes",
				 f->path, start.size);
	memcpy(&h, start.data, sizeof(h));
	ret = take_payload(f, &h, err);
	if (ret)
		return ret;
	if (is_image(file_head(f)))
		return linux_image_open(f, start, request, out, extras, err);
	not_an_image(file_head(f), err);
	error_prefix(err, "%s: zboot image packed with %.*s", f->path,
		     (int)strnlen(h.type, sizeof(h.type)), h.type);
	return -ENOEXEC;
}
