// SPDX-License-Identifier: GPL-2.0-only
#include "plan/params_block.h"

#include "base/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * What SETUP_EFI carries: struct efi_setup_data of the kernel's asm/efi.h, which is not
 * in its uapi headers.
 */
struct efi_setup_data {
	uint64_t fw_vendor;
	uint64_t unused;
	uint64_t tables;
	uint64_t smbios;
	uint64_t reserved[8];
};

/* boot.rst, type_of_loader: 0xD is Linux's kexec, the low half its version. */
#define LOADER_KEXEC 0xd0

#define NODE_ALIGN 16u

/* Takes @size bytes at the end of the block; false when the block would be too large. */
static bool take(struct params_layout *l, size_t size, size_t *offset)
{
	size_t end;

	*offset = l->size;
	if (__builtin_add_overflow(l->size, size, &end) || end > SIZE_MAX - NODE_ALIGN)
		return false;
	l->size = align_up(end, NODE_ALIGN);
	return true;
}

static bool wants_efi(const struct facts *facts, const struct params_input *in)
{
	return facts->efi.present && facts->efi.runtime_map && !in->noefi;
}

static bool take_e820_rest(struct params_layout *l, size_t count)
{
	size_t size;

	if (count <= E820_MAX_ENTRIES_ZEROPAGE)
		return true;
	l->e820_rest = count - E820_MAX_ENTRIES_ZEROPAGE;
	return !__builtin_mul_overflow(l->e820_rest, sizeof(struct boot_e820_entry),
				       &size) &&
	       size <= UINT32_MAX &&
	       take(l, sizeof(struct setup_data) + size, &l->e820_node);
}

static bool take_efi(struct params_layout *l, const struct efi_facts *efi)
{
	l->efi = true;
	l->efi_map_size = efi->runtime_map_size;
	return take(l, l->efi_map_size, &l->efi_map) &&
	       take(l, sizeof(struct setup_data) + sizeof(struct efi_setup_data),
		    &l->efi_node);
}

int params_measure(const struct facts *facts, const struct image *image,
		   const struct params_input *in, struct params_layout *out,
		   struct error *err)
{
	const char *cmdline = in->command_line ? in->command_line : "";

	*out = (struct params_layout){ .size = sizeof(struct boot_params) };
	out->cmdline_size = strlen(cmdline) + 1;
	if (out->cmdline_size - 1 > image->cmdline_max)
		return error_set(err, EINVAL,
				 "the command line has %zu bytes, this kernel takes %llu",
				 out->cmdline_size - 1,
				 (unsigned long long)image->cmdline_max);
	if (!take(out, out->cmdline_size, &out->cmdline) ||
	    !take_e820_rest(out, in->e820->count) ||
	    (wants_efi(facts, in) && !take_efi(out, &facts->efi)))
		return error_set(err, EOVERFLOW, "the machine's memory map is too large");
	return 0;
}

/* Puts a node of that address in front of the chain. Returns what was there before. */
static uint64_t lead_chain(struct plan *plan, struct boot_params *bp,
			   struct setup_node node)
{
	uint64_t next = bp->hdr.setup_data;

	bp->hdr.setup_data = node.addr;
	memmove(plan->nodes + 1, plan->nodes, plan->nr_nodes * sizeof(plan->nodes[0]));
	plan->nodes[0] = node;
	plan->nr_nodes++;
	return next;
}

/* A node in the block itself. Returns where its payload goes. */
static void *chain(struct plan *plan, struct boot_params *bp,
		   const struct params_addresses *at, size_t offset, uint32_t type,
		   size_t len)
{
	struct setup_node entry = { type, (uint32_t)len, at->block + offset };
	struct setup_data *node = (void *)(plan->params_block + offset);

	node->next = lead_chain(plan, bp, entry);
	node->type = type;
	node->len = (uint32_t)len;
	return node->data;
}

static void fill_e820(struct plan *plan, struct boot_params *bp,
		      const struct params_layout *l, const struct params_addresses *at,
		      const struct e820_map *map)
{
	size_t in_page = map->count - l->e820_rest;
	size_t rest = l->e820_rest * sizeof(map->entries[0]);

	bp->e820_entries = (uint8_t)in_page;
	if (in_page)
		memcpy(bp->e820_table, map->entries, in_page * sizeof(map->entries[0]));
	if (rest)
		memcpy(chain(plan, bp, at, l->e820_node, SETUP_E820_EXT, rest),
		       map->entries + in_page, rest);
}

/*
 * How much memory follows the first MiB, in KiB: two fields from before E820 that the
 * kernel still fills in for kexec_file_load().
 */
static void fill_extended_memory(struct boot_params *bp, const struct e820_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct boot_e820_entry *e = &map->entries[i];
		uint64_t last = e->addr + e->size - 1, kib;

		if (e->type != 1 || e->addr > MIB || last <= MIB)
			continue;
		kib = (last >> 10) - (MIB >> 10);
		bp->screen_info.ext_mem_k = kib > 0xfc00 ? 0xfc00 : (uint16_t)kib;
		bp->alt_mem_k = kib > UINT32_MAX ? UINT32_MAX : (uint32_t)kib;
	}
}

static void fill_efi(struct plan *plan, struct boot_params *bp,
		     const struct params_layout *l, const struct params_addresses *at,
		     const struct facts *facts)
{
	const struct boot_params *now = &facts->boot_params;
	uint64_t map = at->block + l->efi_map;
	struct efi_setup_data *efi;

	bp->secure_boot = now->secure_boot;
	bp->efi_info = now->efi_info;
	bp->efi_info.efi_memdesc_size = (uint32_t)facts->efi.desc_size;
	bp->efi_info.efi_memmap = (uint32_t)map;
	bp->efi_info.efi_memmap_hi = (uint32_t)(map >> 32);
	bp->efi_info.efi_memmap_size = (uint32_t)l->efi_map_size;
	memcpy(plan->params_block + l->efi_map, facts->efi.runtime_map, l->efi_map_size);

	efi = chain(plan, bp, at, l->efi_node, SETUP_EFI, sizeof(*efi));
	*efi = (struct efi_setup_data){ .fw_vendor = facts->efi.fw_vendor,
					.tables = facts->efi.config_table,
					.smbios = facts->efi.smbios };
}

/* What the next kernel cannot find out by itself once the firmware's services are gone.
 */
static void fill_machine(struct boot_params *bp, const struct facts *facts)
{
	const struct boot_params *now = &facts->boot_params;

	bp->acpi_rsdp_addr = facts->rsdp;
	if (!facts->has_boot_params)
		return;
	bp->hdr.hardware_subarch = now->hdr.hardware_subarch;
	bp->screen_info = now->screen_info;
	bp->screen_info.ext_mem_k = 0;
	memcpy(bp->eddbuf, now->eddbuf, sizeof(bp->eddbuf));
	bp->eddbuf_entries = now->eddbuf_entries;
	memcpy(bp->edd_mbr_sig_buffer, now->edd_mbr_sig_buffer,
	       sizeof(bp->edd_mbr_sig_buffer));
	bp->edd_mbr_sig_buf_entries = now->edd_mbr_sig_buf_entries;
}

static void fill_header(struct boot_params *bp, const struct params_layout *l,
			const struct params_addresses *at, const struct image *image)
{
	uint64_t cmdline = at->block + l->cmdline;

	/* it may reach beyond bp->hdr: see struct image */
	memcpy((uint8_t *)bp + offsetof(struct boot_params, hdr), image->header.data,
	       image->header.size);
	bp->hdr.type_of_loader = LOADER_KEXEC;
	bp->hdr.loadflags = 0; /* no real-mode code will run, no heap, nothing quiet */
	bp->hdr.cmd_line_ptr = (uint32_t)cmdline;
	bp->ext_cmd_line_ptr = (uint32_t)(cmdline >> 32);
	bp->hdr.ramdisk_image = (uint32_t)at->initrd;
	bp->ext_ramdisk_image = (uint32_t)(at->initrd >> 32);
	bp->hdr.ramdisk_size = (uint32_t)at->initrd_size;
	bp->ext_ramdisk_size = (uint32_t)(at->initrd_size >> 32);
	bp->hdr.setup_data = 0;
}

/* The seed's node leads the chain, as it does after kexec_file_load(). */
static void chain_seed(struct plan *plan, struct boot_params *bp, uint64_t addr)
{
	struct setup_node node = { SETUP_RNG_SEED, SEED_SIZE, addr };

	plan->has_seed = true;
	plan->seed_header.next = lead_chain(plan, bp, node);
	plan->seed_header.type = SETUP_RNG_SEED;
	plan->seed_header.len = SEED_SIZE;
}

void params_fill(struct plan *plan, const struct params_layout *layout,
		 const struct params_addresses *at, const struct facts *facts,
		 const struct image *image, const struct params_input *in)
{
	struct boot_params *bp = (void *)plan->params_block;

	plan->cmdline_offset = layout->cmdline;
	if (in->command_line)
		memcpy(plan->params_block + layout->cmdline, in->command_line,
		       layout->cmdline_size);
	fill_header(bp, layout, at, image);
	fill_machine(bp, facts);
	fill_extended_memory(bp, in->e820);
	fill_e820(plan, bp, layout, at, in->e820);
	if (layout->efi)
		fill_efi(plan, bp, layout, at, facts);
	if (at->seed)
		chain_seed(plan, bp, at->seed);
}
