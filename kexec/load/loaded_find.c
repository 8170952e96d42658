// SPDX-License-Identifier: GPL-2.0-only
/* Where kexec_file_load() has put things: the kernel does not tell. */
#include "base/cleanup.h"
#include "base/units.h"
#include "digest.h"
#include "load/loaded.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

/* Documentation/arch/x86/boot.rst: boot_flag and header of the setup header. */
#define BOOT_FLAG    0xaa55
#define HEADER_MAGIC 0x53726448 /* "HdrS" */

#define NODES_MAX 64 /* more means that it is no chain */

static bool region_holds(struct range region, uint64_t addr, uint64_t size)
{
	return addr >= region.start && size <= range_size(region) &&
	       addr - region.start <= range_size(region) - size;
}

static uint64_t cmdline_addr(const struct boot_params *bp)
{
	return bp->hdr.cmd_line_ptr | (uint64_t)bp->ext_cmd_line_ptr << 32;
}

/* What can be in front of a command line, and the NUL behind it. */
#define FRONT_SIZE sizeof("elfcorehdr=0x0123456789abcdef dmcryptkeys=0x0123456789abcdef ")

/*
 * The kernel puts "elfcorehdr=0x.. " in front of the command line that it was given.
 * Returns where the headers are; 0: this is another command line.
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

/* Where the headers are, into *@headers, when the page is the boot_params looked for. */
static int look_at(const struct kcore *k, struct range region,
		   const struct boot_params *bp, const char *cmdline, uint64_t *headers,
		   struct error *err)
{
	size_t size = strlen(cmdline) + FRONT_SIZE;
	_cleanup_free_ char *text = NULL;
	int ret;

	*headers = 0;
	if (bp->hdr.boot_flag != BOOT_FLAG || bp->hdr.header != HEADER_MAGIC ||
	    !region_holds(region, cmdline_addr(bp), size))
		return 0;
	text = calloc(1, size + 1);
	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	/* what follows a shorter one is not looked at beyond its NUL */
	ret = kcore_read(k, cmdline_addr(bp), text, size, err);
	if (!ret)
		*headers = match_cmdline(text, cmdline);
	return ret;
}

/* Only the headers of the nodes are read, so the seed stays where it is. */
static int find_seed(const struct kcore *k, struct range region, uint64_t node,
		     uint64_t *out, struct error *err)
{
	struct seed_header h;

	*out = 0;
	for (int i = 0; node && i < NODES_MAX; i++) {
		int ret;

		if (!region_holds(region, node, sizeof(h)))
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

/* What the headers begin with; the kernel changes only what follows. */
static int take_headers(const struct kcore *k, uint64_t addr, struct recipe *r,
			struct error *err)
{
	uint8_t ident[EI_NIDENT];
	int ret = kcore_read(k, addr, ident, sizeof(ident), err);

	r->neighbour = (struct recipe_check){ .addr = addr, .size = sizeof(ident) };
	digest_range(DIGEST_PORTABLE, ident, sizeof(ident), r->neighbour.digest);
	return ret;
}

/* Takes down what was found. */
static int take(const struct kcore *k, struct range region, uint64_t addr,
		const struct boot_params *bp, uint64_t headers, struct recipe *r,
		struct error *err)
{
	int ret;

	r->boot_params = (struct recipe_check){ addr, sizeof(*bp), { 0 } };
	digest_range(DIGEST_PORTABLE, bp, sizeof(*bp), r->boot_params.digest);
	ret = take_headers(k, headers, r, err);
	return ret ? ret : find_seed(k, region, bp->hdr.setup_data, &r->seed_node, err);
}

int loaded_find(const struct kcore *k, struct range region, const char *cmdline,
		struct recipe *r, struct error *err)
{
	uint64_t addr = page_up(region.start), headers = 0;
	struct boot_params bp;
	int ret = 0;

	for (; region_holds(region, addr, PAGE); addr += PAGE) {
		ret = kcore_read(k, addr, &bp, sizeof(bp), err);
		if (!ret)
			ret = look_at(k, region, &bp, cmdline, &headers, err);
		/* what an earlier image left does not have its headers at the bottom */
		if (ret || headers == page_up(region.start))
			break;
	}
	if (!ret)
		ret = headers == page_up(region.start)
			      ? take(k, region, addr, &bp, headers, r, err)
			      : error_set(err, ENOENT,
					  "the loaded image was not found in memory");
	explicit_bzero(&bp, sizeof(bp)); /* any page may have come by */
	return ret;
}
