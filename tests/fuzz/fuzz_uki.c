// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file: a UKI's parts lie within it, and anything that can be opened
 * is a kernel.
 *
 * The request follows from the size, so that the input needs no header of its own.
 */
#include "image/format.h"
#include "image/uki.h"
#include "purgatory_params.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const struct uki_part *part, size_t size)
{
	if (part->offset > size || part->size > size - part->offset)
		abort();
}

static void check_extras(const struct uki *uki, size_t size)
{
	check_part(&uki->initrd, size);
	check_part(&uki->ucode, size);
	check_part(&uki->cmdline, size);
	check_part(&uki->dtb, size);
	check_part(&uki->uname, size);
}

static void check_parts(const uint8_t *data, size_t size)
{
	struct bytes start = { data, size < UKI_START_MAX ? size : UKI_START_MAX };
	struct error err;
	struct uki uki;

	if (!uki_parse_addon(start, size, &uki, &err))
		check_extras(&uki, size);
	if (uki_parse(start, size, &uki, &err) <= 0)
		return;
	check_part(&uki.linux_image, size);
	check_extras(&uki, size);
	if (!uki.linux_image.size)
		abort();
}

/* Left to fuzz_decompress.c and fuzz_elf.c, which limit the memory that they take. */
static bool is_left_out(struct bytes b)
{
	static const char *const magics[] = { "\177ELF", "\x1f\x8b",
					      ("\xfd"
					       "7zXZ"),
					      "\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		size_t length = strlen(magics[i]);

		if (b.size >= length && !memcmp(b.data, magics[i], length))
			return true;
	}
	return b.size >= 4 &&
	       !memcmp(b.data + 1, "\x2a\x4d\x18", 3); /* zstd's skippable frames */
}

static void check_request(const struct image_request *request, const struct image *image,
			  const struct image_extras *extras)
{
	if (!image->format || (request->format && image->format != request->format) ||
	    (request->entry_32bit && image->entry_mode != PURGATORY_ENTRY_32) ||
	    (extras->cmdline && !(request->cmdline && extras->has_cmdline)) ||
	    (extras->initrd.fd >= 0 && !(request->initrd && extras->has_initrd)))
		abort();
}

static void check_image(const struct file *f, const struct image *image,
			const struct image_extras *extras)
{
	const uint8_t *end = f->bytes.data + f->bytes.size;

	if (image->kernel.data < f->bytes.data || image->kernel.data > end ||
	    image->kernel.size > (size_t)(end - image->kernel.data) ||
	    image->kernel.size > image->mem_size || !image->kernel.size)
		abort();
	if (extras->cmdline && strpbrk(extras->cmdline, "\n\t\r"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { NULL, "bzImage", "elf-x86_64", "uki" };
	const char *type = size & 16 ? types[(size >> 2) & 3] : NULL;
	const struct image_request request = {
		.format = type ? image_format_of_type(type) : NULL,
		.entry_32bit = size & 32,
		.initrd = !(size & 1),
		.cmdline = !(size & 2),
	};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct image_extras extras;
	struct image image;
	struct error err = { "" };
	struct file f;

	check_parts(data, size);
	if (fd < 0)
		abort();
	if (!size || is_left_out((struct bytes){ data, size }) ||
	    file_write_all(fd, data, size)) {
		close(fd);
		return 0;
	}
	if (file_adopt(fd, "fuzz", &f, &err))
		abort();
	if (image_open(&f, &request, &image, &extras, &err) == 0) {
		check_image(&f, &image, &extras);
		check_request(&request, &image, &extras);
	} else if (!err.text[0]) {
		abort();
	}
	image_extras_free(&extras);
	file_close(&f);
	return 0;
}
