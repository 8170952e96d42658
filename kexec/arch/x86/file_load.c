// SPDX-License-Identifier: GPL-2.0-only
/* Locates the image of kexec_file_load(): the kernel does not export its addresses. */
#include "arch/x86/x86.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "machine/kcore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Documentation/arch/x86/boot.rst: boot_flag and header of the setup header. */
#define BOOT_FLAG    0xaa55
#define HEADER_MAGIC 0x53726448 /* "HdrS" */

#define NODES_MAX 64 /* longer chains are garbage */

static uint64_t cmdline_addr(const struct boot_params *bp)
{
	return bp->hdr.cmd_line_ptr | (uint64_t)bp->ext_cmd_line_ptr << 32;
}

/* The longest prefix of a command line, and the final NUL. */
#define FRONT_SIZE sizeof("elfcorehdr=0x0123456789abcdef dmcryptkeys=0x0123456789abcdef ")

/*
 * The kernel prepends "elfcorehdr=0x.. " to the command line that it was given. Returns
 * the address of the headers; 0: another command line.
 */
static uint64_t match_cmdline(const char *text, const char *cmdline)
{
	static const char word[] = "elfcorehdr=0x", keys[] = " dmcryptkeys=0x";
	uint64_t addr;
	char *end;

	if (strncmp(text, word, sizeof(word) - 1))
		return 0;
	addr = strtoull(text + sizeof(word) - 1, &end, 16);
	if (!strncmp(end, keys,
		     sizeof(keys) - 1)) /* Linux >= 7.0, encrypted dump targets */
		strtoull(end + sizeof(keys) - 1, &end, 16);
	return *end == ' ' && !strcmp(end + 1, cmdline) ? addr : 0;
}

/*
 * Sets *@headers to the address of the ELF core headers if @bp is the boot_params of
 * @cmdline, otherwise to 0.
 */
static int look_at(const struct kcore *k, struct range region,
		   const struct boot_params *bp, const char *cmdline, uint64_t *headers,
		   struct error *err)
{
	size_t size = strlen(cmdline) + FRONT_SIZE;
	_cleanup_free_ char *text = NULL;
	int ret;

	*headers = 0;
	if (bp->hdr.boot_flag != BOOT_FLAG || bp->hdr.header != HEADER_MAGIC ||
	    !range_holds(region, cmdline_addr(bp), size))
		return 0;
	text = calloc(1, size + 1);
	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	/* a shorter text ends at its NUL; bytes after it are ignored */
	ret = kcore_read(k, cmdline_addr(bp), text, size, err);
	if (!ret)
		*headers = match_cmdline(text, cmdline);
	return ret;
}

/* Reads only the headers of the nodes: the seed is not copied. */
static int find_seed(const struct kcore *k, struct range region, uint64_t node,
		     uint64_t *out, struct error *err)
{
	struct setup_data h;

	*out = 0;
	for (int i = 0; node && i < NODES_MAX; i++) {
		int ret;

		if (!range_holds(region, node, sizeof(h)))
			return 0;
		ret = kcore_read(k, node, &h, sizeof(h), err);
		if (ret)
			return ret;
		if (h.type == SETUP_RNG_SEED && h.len == SEED_SIZE)
			*out = node;
		node = h.next;
	}
	return 0;
}

int arch_find_file_load(const struct kcore *k, struct range region, const char *cmdline,
			struct file_load_image *out, struct error *err)
{
	uint64_t bottom = align_up(region.start, X86_PAGE), addr = bottom;
	struct boot_params bp;
	int ret = 0;

	*out = (struct file_load_image){ 0 };
	for (; range_holds(region, addr, X86_PAGE); addr += X86_PAGE) {
		ret = kcore_read(k, addr, &bp, sizeof(bp), err);
		if (!ret)
			ret = look_at(k, region, &bp, cmdline, &out->elfcorehdr, err);
		/*
		 * leftovers of earlier images have their headers elsewhere, not at the
		 * bottom
		 */
		if (ret || out->elfcorehdr == bottom)
			break;
	}
	if (!ret && out->elfcorehdr != bottom)
		ret = error_set(err, ENOENT, "the loaded image was not found in memory");
	if (!ret) {
		out->boot_data = (struct range){ addr, addr + sizeof(bp) };
		ret = find_seed(k, region, bp.hdr.setup_data, &out->seed, err);
	}
	explicit_bzero(&bp, sizeof(bp)); /* it may have held any page, even the seed's */
	return ret;
}
