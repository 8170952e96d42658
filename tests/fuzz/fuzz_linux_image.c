// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a kernel file of arm64 or riscv64: Image, zboot, packed or not. */
#include "arch/arch.h"
#include "base/units.h"
#include "image/format.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
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

	require(fd >= 0 && !file_write_all(fd, data, size));
	if (file_adopt(fd, "FILE", &f, &err))
		return 0;
	if (!image_open(&f, &request, &image, &extras, &err)) {
		require(image.mem_size && image.mem_size < 64 * GIB);
		require(image.kernel.size <= image.mem_size);
		require(is_power_of_2(image.align) && image.align_offset < image.align);
		require(image.entry_offset < image.mem_size);
	}
	image_extras_free(&extras);
	file_close(&f);
	return 0;
}
