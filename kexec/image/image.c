// SPDX-License-Identifier: GPL-2.0-only
#include "image/image.h"

#include "base/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" */
#define SECTOR		    512u
#define HEADER_OFFSET	    0x1f1u
#define HEADER_JUMP	    0x201u /* the byte that says how long the header is */
#define HEADER_END_MAX	    0x290u /* where boot_params has its next field */
#define HDRS_MAGIC	    0x53726448u
#define BOOT_FLAG	    0xaa55u
#define PROTOCOL_MIN	    0x020cu
#define DEFAULT_SETUP_SECTS 4u
#define ENTRY64_OFFSET	    0x200u

_Static_assert(offsetof(struct boot_params, hdr) == HEADER_OFFSET, "boot.rst");
_Static_assert(offsetof(struct boot_params, edd_mbr_sig_buffer) == HEADER_END_MAX,
	       "boot.rst");

/* The header's bytes as far as the kernel that brought them says they go. */
static int find_header(struct bytes head, struct image *out, struct error *err)
{
	const struct setup_header *probe;
	struct bytes first;
	size_t end;

	if (!bytes_slice(head, HEADER_OFFSET, HEADER_END_MAX - HEADER_OFFSET, &first))
		return error_set(err, ENOEXEC, "too short to be a kernel (%zu bytes)",
				 head.size);
	probe = (const void *)first.data; /* packed: no alignment needed */
	if (probe->boot_flag != BOOT_FLAG || probe->header != HDRS_MAGIC)
		return error_set(err, ENOEXEC,
				 "not a kernel that can be loaded (no bzImage header)");
	end = HEADER_JUMP + 1 + head.data[HEADER_JUMP];
	if (end > HEADER_END_MAX)
		return error_set(err, ENOEXEC, "setup header is too long (up to 0x%zx)",
				 end);
	out->header = (struct bytes){ first.data, end - HEADER_OFFSET };
	memcpy(&out->hdr, first.data,
	       out->header.size < sizeof(out->hdr) ? out->header.size : sizeof(out->hdr));
	return 0;
}

static int check_abilities(const struct setup_header *hdr, struct error *err)
{
	if (hdr->version < PROTOCOL_MIN)
		return error_set(err, ENOEXEC,
				 "boot protocol %u.%02u is too old, 2.12 is the oldest",
				 hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return error_set(err, ENOEXEC, "a zImage, only bzImages can be loaded");
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return error_set(err, ENOEXEC,
				 "a 32-bit kernel without 64-bit entry point");
	if (!hdr->relocatable_kernel)
		return error_set(err, ENOEXEC,
				 "kernel is not relocatable (CONFIG_RELOCATABLE)");
	if (!is_power_of_2(hdr->kernel_alignment))
		return error_set(err, ENOEXEC, "kernel alignment 0x%x is no power of two",
				 hdr->kernel_alignment);
	return 0;
}

/* The 64-bit code behind the real-mode sectors. */
static int find_kernel(struct bytes file, struct image *out, struct error *err)
{
	size_t sects = out->hdr.setup_sects ? out->hdr.setup_sects : DEFAULT_SETUP_SECTS;
	size_t skip = (sects + 1) * SECTOR;
	uint64_t want = (uint64_t)out->hdr.syssize * 16;

	if (file.size <= skip + ENTRY64_OFFSET ||
	    !bytes_slice(file, skip, file.size - skip, &out->kernel))
		return error_set(err, ENOEXEC,
				 "truncated: %zu bytes, the setup alone is %zu",
				 file.size, skip);
	if (out->kernel.size < want)
		return error_set(err, ENOEXEC,
				 "truncated: %zu bytes of kernel, its header says %llu",
				 out->kernel.size, (unsigned long long)want);
	return 0;
}

static void take_wishes(struct image *out)
{
	const struct setup_header *hdr = &out->hdr;
	uint64_t need = hdr->init_size;

	if (need < out->kernel.size)
		need = out->kernel.size;
	out->mem_size = page_up(need);
	out->align = hdr->kernel_alignment < PAGE ? PAGE : hdr->kernel_alignment;
	out->min_addr = hdr->pref_address < MIB ? MIB : hdr->pref_address;
	out->above_4g = hdr->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;
	out->five_level = hdr->xloadflags & XLF_5LEVEL;
	out->initrd_max = (uint64_t)hdr->initrd_addr_max + 1;
	out->cmdline_max = hdr->cmdline_size;
	out->entry_offset = ENTRY64_OFFSET;
}

int image_parse(struct bytes head, struct bytes file, struct image *out,
		struct error *err)
{
	int ret;

	*out = (struct image){ 0 };
	ret = find_header(head, out, err);
	if (ret)
		return ret;
	ret = check_abilities(&out->hdr, err);
	if (ret)
		return ret;
	ret = find_kernel(file, out, err);
	if (ret)
		return ret;
	take_wishes(out);
	return 0;
}
