// SPDX-License-Identifier: GPL-2.0-only
#include "image/image.h"

#include "base/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" */
#define SECTOR		    512u
#define HEADER_OFFSET	    0x1f1u
#define HEADER_JUMP	    0x201u	   /* the byte that says how long the header is */
#define HEADER_END_MAX	    IMAGE_HEAD_MIN /* where boot_params has its next field */
#define HDRS_MAGIC	    0x53726448u
#define BOOT_FLAG	    0xaa55u
#define DEFAULT_SETUP_SECTS 4u
#define ENTRY32_OFFSET	    0u
#define ENTRY64_OFFSET	    0x200u

/* The protocol that brought a field, or the first that can be taken at its word. */
#define HAS_CMD_LINE_PTR    0x0202u
#define HAS_INITRD_ADDR_MAX 0x0203u
#define HAS_WIDE_SYSSIZE    0x0204u
#define HAS_RELOCATABLE	    0x0205u
#define HAS_CMDLINE_SIZE    0x0206u
#define HAS_INIT_SIZE	    0x020au
#define HAS_XLOADFLAGS	    0x020cu
/* Before cmd_line_ptr the command line went through conventional memory. */
#define PROTOCOL_MIN HAS_CMD_LINE_PTR

/* The values of before there were fields for them. */
#define OLD_LOAD_ADDR	    0x100000u
#define OLD_INITRD_ADDR_MAX 0x37ffffffu
#define OLD_CMDLINE_SIZE    255u
/*
 * There is none for the memory that a kernel takes while it unpacks itself. Kernels shrink
 * to a third or a quarter.
 */
#define OLD_GROWTH 4u

_Static_assert(offsetof(struct boot_params, hdr) == HEADER_OFFSET, "boot.rst");
_Static_assert(offsetof(struct boot_params, edd_mbr_sig_buffer) == HEADER_END_MAX,
	       "boot.rst");

bool image_is_bzimage(struct bytes head)
{
	const struct setup_header *hdr;
	struct bytes at;

	if (!bytes_slice(head, HEADER_OFFSET, HEADER_END_MAX - HEADER_OFFSET, &at))
		return false;
	hdr = (const void *)at.data; /* packed: no alignment needed */
	return hdr->boot_flag == BOOT_FLAG && hdr->header == HDRS_MAGIC;
}

/* The header's bytes as far as the kernel that brought them says they go. */
static int find_header(struct bytes head, struct image *out, struct error *err)
{
	struct bytes first;
	size_t end;

	if (!bytes_slice(head, HEADER_OFFSET, HEADER_END_MAX - HEADER_OFFSET, &first))
		return error_set(err, ENOEXEC, "too short to be a kernel (%zu bytes)",
				 head.size);
	if (!image_is_bzimage(head))
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

static bool has(const struct image *image, unsigned int protocol)
{
	return image->hdr.version >= protocol;
}

static int check_protocol(const struct setup_header *hdr, struct error *err)
{
	if (hdr->version < PROTOCOL_MIN)
		return error_set(
			err, ENOEXEC,
			"boot protocol %u.%02u is too old, %u.%02u is the oldest",
			hdr->version >> 8, hdr->version & 0xff, PROTOCOL_MIN >> 8,
			PROTOCOL_MIN & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return error_set(err, ENOEXEC, "a zImage, only bzImages can be loaded");
	return 0;
}

/*
 * How many bytes of code there are at least. The header counts in units of 16: Linux pads
 * its last one, other programs (memtest86+, which is not relocatable) end within it.
 */
static uint64_t least_size(const struct image *image)
{
	uint64_t units = image->hdr.syssize;

	if (!has(image, HAS_WIDE_SYSSIZE) || !units)
		return 0;
	return image->fixed ? units * 16 - 15 : units * 16;
}

/* The code behind the real-mode sectors. */
static int find_kernel(struct bytes file, struct image *out, struct error *err)
{
	size_t sects = out->hdr.setup_sects ? out->hdr.setup_sects : DEFAULT_SETUP_SECTS;
	size_t skip = (sects + 1) * SECTOR;

	if (file.size <= skip + ENTRY64_OFFSET ||
	    !bytes_slice(file, skip, file.size - skip, &out->kernel))
		return error_set(err, ENOEXEC,
				 "truncated: %zu bytes, the setup alone is %zu",
				 file.size, skip);
	if (out->kernel.size < least_size(out))
		return error_set(err, ENOEXEC,
				 "truncated: %zu bytes of kernel, its header says %llu",
				 out->kernel.size,
				 (unsigned long long)out->hdr.syssize * 16);
	return 0;
}

/* How it is entered: in 64-bit mode where it can be. */
static void take_entry(struct image *out)
{
	uint16_t flags = has(out, HAS_XLOADFLAGS) ? out->hdr.xloadflags : 0;

	out->entry_32bit = !(flags & XLF_KERNEL_64);
	out->entry_offset = out->entry_32bit ? ENTRY32_OFFSET : ENTRY64_OFFSET;
	out->above_4g = !out->entry_32bit && (flags & XLF_CAN_BE_LOADED_ABOVE_4G);
	/* in 32-bit mode it is entered without any paging */
	out->five_level = out->entry_32bit || (flags & XLF_5LEVEL);
}

static void take_limits(struct image *out)
{
	const struct setup_header *hdr = &out->hdr;
	uint64_t need = has(out, HAS_INIT_SIZE) ? hdr->init_size
						: OLD_GROWTH * (uint64_t)out->kernel.size;

	if (need < out->kernel.size)
		need = out->kernel.size;
	out->mem_size = page_up(need);
	out->initrd_max =
		1 + (uint64_t)(has(out, HAS_INITRD_ADDR_MAX) ? hdr->initrd_addr_max
							     : OLD_INITRD_ADDR_MAX);
	out->cmdline_max =
		has(out, HAS_CMDLINE_SIZE) ? hdr->cmdline_size : OLD_CMDLINE_SIZE;
}

/* Where it may lie. One that is not relocatable would move itself to its address. */
static int take_place(struct image *out, struct error *err)
{
	const struct setup_header *hdr = &out->hdr;
	uint64_t wish = has(out, HAS_INIT_SIZE) ? hdr->pref_address : 0;

	out->fixed = !has(out, HAS_RELOCATABLE) || !hdr->relocatable_kernel;
	if (out->fixed) {
		out->min_addr = wish ? wish : OLD_LOAD_ADDR;
		out->align = PAGE;
		if (out->min_addr >= MIB && out->min_addr % PAGE == 0)
			return 0;
		return error_set(err, ENOEXEC,
				 "kernel has to lie at 0x%llx, where it cannot be loaded",
				 (unsigned long long)out->min_addr);
	}
	if (!is_power_of_2(hdr->kernel_alignment))
		return error_set(err, ENOEXEC, "kernel alignment 0x%x is no power of two",
				 hdr->kernel_alignment);
	out->align = hdr->kernel_alignment < PAGE ? PAGE : hdr->kernel_alignment;
	out->min_addr = wish < MIB ? MIB : wish;
	return 0;
}

int image_parse(struct bytes head, struct bytes file, struct image *out,
		struct error *err)
{
	int ret;

	*out = (struct image){ .type = IMAGE_BZIMAGE };
	ret = find_header(head, out, err);
	if (!ret)
		ret = check_protocol(&out->hdr, err);
	if (!ret)
		ret = take_place(out, err);
	if (!ret)
		ret = find_kernel(file, out, err);
	if (ret)
		return ret;
	take_entry(out);
	take_limits(out);
	return 0;
}

int image_enter_32bit(struct image *image, struct error *err)
{
	if (image->type == IMAGE_ELF)
		return error_set(err, ENOEXEC,
				 "an ELF vmlinux has no 32-bit entry point");
	image->entry_32bit = true;
	image->entry_offset = ENTRY32_OFFSET;
	image->above_4g = false;
	image->five_level = true;
	return 0;
}

const char *image_type_name(enum image_type type)
{
	switch (type) {
	case IMAGE_ANY:
		break;
	case IMAGE_BZIMAGE:
		return "bzImage";
	case IMAGE_ELF:
		return "ELF vmlinux";
	case IMAGE_UKI:
		return "UKI";
	}
	return "kernel";
}
