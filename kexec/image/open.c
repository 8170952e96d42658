// SPDX-License-Identifier: GPL-2.0-only
#include "image/open.h"

#include "base/cleanup.h"
#include "image/decompress.h"
#include "image/elf.h"
#include "image/foreign.h"
#include "image/formats.h"
#include "image/uki.h"

#include <errno.h>
#include <string.h>

/* More than any kernel takes. In bytes. */
#define CMDLINE_MAX 65536u
/* Archives that follow each other begin at a multiple of this (buffer-format.rst). */
#define INITRD_ALIGN 4u

#define START_MAX UKI_START_MAX
_Static_assert(START_MAX >= FOREIGN_START_MAX, "enough for both");

static int named(const struct file *f, int ret, struct error *err)
{
	if (ret < 0)
		error_prefix(err, "%s", f->path);
	return ret;
}

/* @what it is instead, or NULL. */
static int no_kernel(const struct file *f, const char *what, struct error *err)
{
	return error_set(
		err, ENOEXEC, "%s: not a kernel that can be loaded%s%s (those are: %s)",
		f->path, what ? ", but " : "", what ? what : "", image_formats());
}

/* As a bzImage begins, too, of which this may be the first bytes. */
static bool is_program(struct bytes start)
{
	return start.size >= 2 && memcmp(start.data, "MZ", 2) == 0;
}

/* 0 with what @f is, and for a UKI what is in it; a negative errno when it is no kernel. */
static int recognise(const struct file *f, struct bytes start, enum image_type *type,
		     struct uki *uki, struct error *err)
{
	const char *name;
	int is_uki;

	*type = IMAGE_ELF;
	name = foreign_multiboot(start);
	if (elf_is(start))
		return name ? no_kernel(f, name, err) : 0;
	*type = IMAGE_UKI;
	is_uki = uki_parse(start, f->stamp.size, uki, err);
	if (is_uki)
		return is_uki > 0 ? 0 : named(f, is_uki, err);
	*type = IMAGE_BZIMAGE;
	if (image_is_bzimage(start))
		return 0;
	name = foreign_name(start);
	if (start.size < IMAGE_HEAD_MIN && (!name || is_program(start)))
		return error_set(err, ENOEXEC, "%s: too short to be a kernel (%zu bytes)",
				 f->path, start.size);
	return no_kernel(f, name, err);
}

/* The same for a file that may be compressed, and then is not any more. */
static int recognise_file(struct file *f, enum image_type *type, struct uki *uki,
			  struct error *err)
{
	size_t size;
	_cleanup_free_ uint8_t *start = malloc(START_MAX);
	int ret;

	if (!start)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_decompress(f, err);
	if (ret)
		return ret;
	/* memory of our own: the file might shrink below a mapping */
	size = f->stamp.size < START_MAX ? f->stamp.size : START_MAX;
	ret = file_read(f, 0, start, size, err);
	return ret ? ret : recognise(f, (struct bytes){ start, size }, type, uki, err);
}

static int check_type(const struct file *f, enum image_type is, enum image_type wish,
		      struct error *err)
{
	if (wish == IMAGE_ANY || wish == is)
		return 0;
	return error_set(err, ENOEXEC, "%s: this is of type %s, not %s", f->path,
			 image_type_name(is), image_type_name(wish));
}

static int parse(const struct file *f, struct image *out, struct error *err)
{
	return named(f, image_parse(file_head(f), f->bytes, out, err), err);
}

static int open_elf(struct file *f, struct image *out, struct error *err)
{
	struct elf_kernel elf = { 0 };
	int ret = elf_unpack(f, &elf, err);

	if (!ret)
		ret = parse(f, out, err);
	if (ret)
		return ret;
	out->type = IMAGE_ELF;
	out->entry_offset = elf.entry_offset;
	out->five_level = elf.five_level;
	return 0;
}

static int take_cmdline(const struct file *f, const struct uki_part *part, char **out,
			struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int ret;

	if (part->size > CMDLINE_MAX)
		return error_set(err, ENOEXEC, "%s: a command line of %llu bytes",
				 f->path, (unsigned long long)part->size);
	text = calloc(1, part->size + 1);
	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_read(f, part->offset, text, part->size, err);
	if (ret)
		return ret;
	uki_clean_cmdline(text);
	*out = take_ptr(text);
	return 0;
}

/* Microcode goes first, as a boot loader's stub does it. */
static int take_initrd(const struct file *f, const struct uki *uki, struct file *out,
		       struct error *err)
{
	uint64_t padding = -uki->ucode.size % INITRD_ALIGN;
	uint64_t second = uki->ucode.size + (uki->initrd.size ? padding : 0);
	const struct file_part parts[] = {
		{ .from = uki->ucode.offset, .size = uki->ucode.size },
		{ .from = uki->initrd.offset, .to = second, .size = uki->initrd.size },
	};

	return file_compose(f, parts, 2, second + uki->initrd.size, out, err);
}

static int take_extras(const struct file *f, const struct uki *uki,
		       const struct image_request *request, struct image_extras *out,
		       struct error *err)
{
	int ret = 0;

	out->has_initrd = uki->initrd.size || uki->ucode.size;
	out->has_cmdline = uki->cmdline.size;
	out->has_dtb = uki->dtb.size;
	if (out->has_initrd && request->initrd)
		ret = take_initrd(f, uki, &out->initrd, err);
	if (!ret && out->has_cmdline && request->cmdline)
		ret = take_cmdline(f, &uki->cmdline, &out->cmdline, err);
	return ret;
}

static int take_kernel(struct file *f, const struct uki_part *part, struct error *err)
{
	const struct file_part all = { .from = part->offset, .size = part->size };
	struct file kernel;
	int ret = file_compose(f, &all, 1, part->size, &kernel, err);

	if (ret)
		return ret;
	file_close(f);
	*f = kernel;
	return 0;
}

/* What is in .linux has to be a bzImage: that is what a boot loader's stub starts. */
static int open_uki(struct file *f, const struct uki *uki,
		    const struct image_request *request, struct image *out,
		    struct image_extras *extras, struct error *err)
{
	enum image_type type;
	struct uki within;
	int ret;

	ret = take_extras(f, uki, request, extras, err);
	if (!ret)
		ret = take_kernel(f, &uki->linux_image, err);
	if (!ret)
		ret = recognise_file(f, &type, &within, err);
	if (!ret && type != IMAGE_BZIMAGE)
		ret = error_set(err, ENOEXEC, "%s: a UKI in which there is no bzImage",
				f->path);
	if (!ret)
		ret = parse(f, out, err);
	if (!ret)
		out->type = IMAGE_UKI;
	return ret;
}

int image_open(struct file *kernel, const struct image_request *request,
	       struct image *out, struct image_extras *extras, struct error *err)
{
	enum image_type type;
	struct uki uki;
	int ret;

	*extras = (struct image_extras){ .initrd = FILE_NONE };
	ret = recognise_file(kernel, &type, &uki, err);
	if (!ret)
		ret = check_type(kernel, type, request->type, err);
	if (ret)
		return ret;
	if (type == IMAGE_ELF)
		ret = open_elf(kernel, out, err);
	else if (type == IMAGE_UKI)
		ret = open_uki(kernel, &uki, request, out, extras, err);
	else
		ret = parse(kernel, out, err);
	if (!ret && request->entry_32bit)
		ret = named(kernel, image_enter_32bit(out, err), err);
	return ret;
}

void image_extras_free(struct image_extras *extras)
{
	file_close(&extras->initrd);
	free(extras->cmdline);
	*extras = (struct image_extras){ .initrd = FILE_NONE };
}
