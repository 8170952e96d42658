// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/bzimage.h"

#include "arch/x86/x86.h"
#include "base/units.h"
#include "image/unsupported.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" */
#define SECTOR		    512u
#define HEADER_OFFSET	    0x1f1u
#define HEADER_JUMP	    0x201u	   /* this byte determines the header's length */
#define HEADER_END_MAX	    IMAGE_HEAD_MIN /* offset of the next field of boot_params */
#define HDRS_MAGIC	    0x53726448u
#define BOOT_FLAG	    0xaa55u
#define DEFAULT_SETUP_SECTS 4u
#define ENTRY32_OFFSET	    0u
#define ENTRY64_OFFSET	    0x200u

/* MAX_ELFCOREHDR_STR_LEN of arch/x86/kernel/kexec-bzimage64.c plus a NUL; bytes */
#define FILE_LOAD_KEEPS 31u

/* Protocol version that introduced a field, or made it reliable. */
#define HAS_CMD_LINE_PTR    0x0202u
#define HAS_INITRD_ADDR_MAX 0x0203u
#define HAS_WIDE_SYSSIZE    0x0204u
#define HAS_RELOCATABLE	    0x0205u
#define HAS_CMDLINE_SIZE    0x0206u
#define HAS_INIT_SIZE	    0x020au
#define HAS_XLOADFLAGS	    0x020cu
/* Older protocols pass the command line through conventional memory. */
#define PROTOCOL_MIN HAS_CMD_LINE_PTR

/* Defaults for protocols that lack the field. */
#define OLD_LOAD_ADDR	    0x100000u
#define OLD_INITRD_ADDR_MAX 0x37ffffffu
#define OLD_CMDLINE_SIZE    255u
/*
 * Factor for the memory that a kernel needs to unpack itself: kernels compress to a third
 * or a quarter.
 */
#define OLD_GROWTH 4u

_Static_assert(offsetof(struct boot_params, hdr) == HEADER_OFFSET, "boot.rst");
_Static_assert(offsetof(struct boot_params, edd_mbr_sig_buffer) == HEADER_END_MAX,
	       "boot.rst");

bool bzimage_is(struct bytes head)
{
	const struct setup_header *hdr;
	struct bytes at;

	if (!bytes_slice(head, HEADER_OFFSET, HEADER_END_MAX - HEADER_OFFSET, &at))
		return false;
	hdr = (const void *)at.data; /* packed: no alignment needed */
	return hdr->boot_flag == BOOT_FLAG && hdr->header == HDRS_MAGIC;
}

/* Takes the header's bytes, as many as the header itself claims. */
static int find_header(struct bytes head, struct image *out, struct setup_header *hdr,
		       struct error *err)
{
	struct bytes first;
	size_t end;

	if (!bytes_slice(head, HEADER_OFFSET, HEADER_END_MAX - HEADER_OFFSET, &first))
		return error_set(err, ENOEXEC, "too short to be a kernel (%zu bytes)",
				 head.size);
	if (!bzimage_is(head))
		return error_set(err, ENOEXEC,
				 "not a kernel that can be loaded (no bzImage header)");
	end = HEADER_JUMP + 1 + head.data[HEADER_JUMP];
	if (end > HEADER_END_MAX)
		return error_set(err, ENOEXEC, "setup header is too long (up to 0x%zx)",
				 end);
	out->header = (struct bytes){ first.data, end - HEADER_OFFSET };
	*hdr = (struct setup_header){ 0 }; /* for fields that the header lacks */
	memcpy(hdr, first.data,
	       out->header.size < sizeof(*hdr) ? out->header.size : sizeof(*hdr));
	return 0;
}

static bool has(const struct setup_header *hdr, unsigned int protocol)
{
	return hdr->version >= protocol;
}

static int check_protocol(const struct setup_header *hdr, struct error *err)
{
	if (hdr->version < PROTOCOL_MIN)
		return error_set(
			err, ENOEXEC,
			"boot protocol %u.%02u is too old; the oldest supported is %u.%02u",
			hdr->version >> 8, hdr->version & 0xff, PROTOCOL_MIN >> 8,
			PROTOCOL_MIN & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return error_set(err, ENOEXEC, "a zImage, only bzImages can be loaded");
	return 0;
}

#define VERSION_MAX 40 /* bytes shown of the version string */

/*
 * Programs with a setup header whose real-mode code does the work, with the help of the
 * BIOS: iPXE's .lkrn has no entry point, memdisk no code to enter. Linux always has both.
 */
static int check_bios(struct bytes head, const struct setup_header *hdr,
		      struct error *err)
{
	struct bytes at = { (const uint8_t *)"", 0 };

	if (hdr->code32_start && (hdr->syssize || has(hdr, HAS_WIDE_SYSSIZE)))
		return 0;
	if (hdr->kernel_version)
		bytes_slice(head, SECTOR + hdr->kernel_version, VERSION_MAX, &at);
	return error_set(
		err, ENOEXEC,
		"a program that needs the BIOS, like iPXE's .lkrn or memdisk (its "
		"version: \"%.*s\"); start it from a boot loader: no BIOS is left "
		"once a kernel has run",
		(int)at.size, (const char *)at.data);
}

/*
 * Minimum size of the code in bytes. The header counts units of 16: Linux pads the last
 * one; other programs (memtest86+, not relocatable) may end within it.
 */
static uint64_t least_size(const struct setup_header *hdr, bool fixed)
{
	uint64_t units = hdr->syssize;

	if (!has(hdr, HAS_WIDE_SYSSIZE) || !units)
		return 0;
	return fixed ? units * 16 - 15 : units * 16;
}

/* Takes the code after the real-mode sectors. */
static int find_kernel(struct bytes file, const struct setup_header *hdr,
		       struct image *out, struct error *err)
{
	size_t sects = hdr->setup_sects ? hdr->setup_sects : DEFAULT_SETUP_SECTS;
	size_t skip = (sects + 1) * SECTOR;

	if (file.size <= skip + ENTRY64_OFFSET ||
	    !bytes_slice(file, skip, file.size - skip, &out->kernel))
		return error_set(err, ENOEXEC,
				 "truncated: %zu bytes, the setup alone is %zu",
				 file.size, skip);
	if (out->kernel.size < least_size(hdr, out->fixed))
		return error_set(err, ENOEXEC,
				 "truncated: %zu bytes of kernel, its header says %llu",
				 out->kernel.size, (unsigned long long)hdr->syssize * 16);
	return 0;
}

/*
 * A 32-bit kernel maps this much memory directly, with the default split of addresses
 * (PAGE_OFFSET 3 GiB, 128 MiB for vmalloc), and has to run in it, with the memory in which
 * it unpacks itself: "Destination address too large". With vmalloc= it is less, so the
 * lowest place is the best.
 */
#define LOWMEM_END (896 * MIB)

void bzimage_enter_32bit(struct image *image)
{
	image->entry_mode = PURGATORY_ENTRY_32;
	image->entry_offset = ENTRY32_OFFSET;
	image->max_addr = LOW_END;
	image->arch_flags |= X86_FIVE_LEVEL; /* 32-bit entry turns paging off */
}

/* Chooses the entry mode: 64-bit if possible. */
static void take_entry(const struct setup_header *hdr, struct image *out)
{
	uint16_t flags = has(hdr, HAS_XLOADFLAGS) ? hdr->xloadflags : 0;

	out->entry_offset = ENTRY64_OFFSET;
	if (!(flags & XLF_CAN_BE_LOADED_ABOVE_4G)) {
		out->max_addr = LOW_END;
		out->no_file_load = "must not lie above 4 GiB";
	}
	if (flags & XLF_5LEVEL)
		out->arch_flags |= X86_FIVE_LEVEL;
	if (flags & XLF_KERNEL_64)
		return;
	bzimage_enter_32bit(out);
	out->low_end = LOWMEM_END;
	out->no_file_load = "has a 32-bit entry point only";
}

static void take_limits(const struct setup_header *hdr, struct image *out)
{
	uint64_t need = has(hdr, HAS_INIT_SIZE) ? hdr->init_size
						: OLD_GROWTH * (uint64_t)out->kernel.size;

	if (need < out->kernel.size)
		need = out->kernel.size;
	out->mem_size = align_up(need, X86_PAGE);
	out->initrd_max =
		1 + (uint64_t)(has(hdr, HAS_INITRD_ADDR_MAX) ? hdr->initrd_addr_max
							     : OLD_INITRD_ADDR_MAX);
	out->cmdline_max =
		has(hdr, HAS_CMDLINE_SIZE) ? hdr->cmdline_size : OLD_CMDLINE_SIZE;
	if (out->cmdline_max > FILE_LOAD_KEEPS)
		out->file_cmdline_max = out->cmdline_max - FILE_LOAD_KEEPS;
}

/*
 * Takes placement constraints. A kernel that is not relocatable would move itself to its
 * preferred address anyway.
 */
static int take_place(const struct setup_header *hdr, struct image *out,
		      struct error *err)
{
	uint64_t wish = has(hdr, HAS_INIT_SIZE) ? hdr->pref_address : 0;

	out->fixed = !has(hdr, HAS_RELOCATABLE) || !hdr->relocatable_kernel;
	if (out->fixed) {
		out->min_addr = wish ? wish : OLD_LOAD_ADDR;
		out->align = X86_PAGE;
		if (out->min_addr >= MIB && out->min_addr % X86_PAGE == 0)
			return 0;
		return error_set(err, ENOEXEC,
				 "kernel has to lie at 0x%llx, where it cannot be loaded",
				 (unsigned long long)out->min_addr);
	}
	if (!is_power_of_2(hdr->kernel_alignment))
		return error_set(err, ENOEXEC,
				 "kernel alignment 0x%x is not a power of two",
				 hdr->kernel_alignment);
	out->align = hdr->kernel_alignment < X86_PAGE ? X86_PAGE : hdr->kernel_alignment;
	out->min_addr = wish < MIB ? MIB : wish;
	return 0;
}

int bzimage_parse(struct bytes head, struct bytes file, struct image *out,
		  struct error *err)
{
	struct setup_header hdr;
	int ret;

	*out = (struct image){ 0 };
	ret = find_header(head, out, &hdr, err);
	if (!ret)
		ret = check_protocol(&hdr, err);
	if (!ret)
		ret = check_bios(head, &hdr, err);
	if (!ret)
		ret = take_place(&hdr, out, err);
	if (!ret)
		ret = find_kernel(file, &hdr, out, err);
	if (ret)
		return ret;
	take_entry(&hdr, out);
	take_limits(&hdr, out);
	return 0;
}

int bzimage_probe(struct bytes start, uint64_t file_size, struct error *err)
{
	(void)file_size, (void)err;
	return bzimage_is(start);
}

int bzimage_open(struct file *f, struct bytes start, const struct image_request *request,
		 struct image *out, struct image_extras *extras, struct error *err)
{
	int ret = bzimage_parse(file_head(f), f->bytes, out, err);

	(void)start, (void)extras;
	if (ret) {
		error_prefix(err, "%s", f->path);
		return ret;
	}
	if (request->entry_32bit) {
		out->no_file_load =
			"cannot be entered in 32-bit mode (--entry-32bit) there";
		bzimage_enter_32bit(out);
	}
	return 0;
}
