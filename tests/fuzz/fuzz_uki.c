// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel file: a UKI's parts lie within it, and whatever can be opened is a
 * kernel.
 *
 *     clang -D_GNU_SOURCE -DHAVE_ELF -DHAVE_ZLIB -DHAVE_LZMA -DHAVE_ZSTD -Iinclude \
 *         -Ikexec -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_uki.c \
 *         kexec/image/{decompress,elf,foreign,formats,image,open,uki}.c \
 *         kexec/base/{error,file,progress}.c -lelf -lz -llzma -lzstd
 */
#include "image/open.h"
#include "image/uki.h"

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

static void check_parts(const uint8_t *data, size_t size)
{
	struct bytes start = { data, size < UKI_START_MAX ? size : UKI_START_MAX };
	struct error err;
	struct uki uki;

	if (uki_parse(start, size, &uki, &err) <= 0)
		return;
	check_part(&uki.linux_image, size);
	check_part(&uki.initrd, size);
	check_part(&uki.ucode, size);
	check_part(&uki.cmdline, size);
	check_part(&uki.dtb, size);
	if (!uki.linux_image.size)
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
	const struct image_request request = { .initrd = true, .cmdline = true };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct image_extras extras;
	struct image image;
	struct error err;
	struct file f;

	check_parts(data, size);
	if (fd < 0)
		abort();
	if (!size || memcmp(data, "\177", 1) == 0 || file_write_all(fd, data, size)) {
		close(fd); /* ELF files are fuzz_elf.c's, which knows their sizes */
		return 0;
	}
	if (file_adopt(fd, "fuzz", &f, &err))
		abort();
	if (!image_open(&f, &request, &image, &extras, &err))
		check_image(&f, &image, &extras);
	image_extras_free(&extras);
	file_close(&f);
	return 0;
}
