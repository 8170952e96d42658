// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86 boot data: boot_params, the command line, and all setup_data nodes but the seed's,
 * which is in a segment of its own.
 */
#include "arch/x86/x86.h"

#include "base/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Payload of SETUP_EFI: asm/efi.h of the kernel; its uapi headers lack it. */
struct efi_setup_data {
	uint64_t fw_vendor;
	uint64_t unused;
	uint64_t tables;
	uint64_t smbios;
	uint64_t reserved[8];
};

_Static_assert(sizeof(struct setup_data) <= SEED_PREFIX_MAX, "the seed's header");

/* boot.rst, type_of_loader: 0xD is Linux's kexec; the low half is its version. */
#define LOADER_KEXEC 0xd0

#define NODE_ALIGN 16u

/* Offsets in the block; absent parts have offset 0 and size 0. */
struct layout {
	size_t cmdline;
	size_t cmdline_size; /* includes the NUL */
	size_t efi_map;
	size_t efi_map_size;
	size_t efi_node;
	size_t map_node; /* e820 entries beyond the capacity of boot_params */
	size_t map_rest; /* number of those entries */
	bool efi;
	size_t size; /* of the block */
};

/*
 * Allocates @size bytes at the end of the block; false if the block would be too large.
 */
static bool take(struct layout *l, size_t size, size_t *offset)
{
	size_t end;

	*offset = l->size;
	if (__builtin_add_overflow(l->size, size, &end) || end > SIZE_MAX - NODE_ALIGN)
		return false;
	l->size = align_up(end, NODE_ALIGN);
	return true;
}

static bool take_map_rest(struct layout *l, size_t count)
{
	size_t size;

	if (count <= E820_MAX_ENTRIES_ZEROPAGE)
		return true;
	l->map_rest = count - E820_MAX_ENTRIES_ZEROPAGE;
	return !__builtin_mul_overflow(l->map_rest, sizeof(struct boot_e820_entry),
				       &size) &&
	       size <= UINT32_MAX &&
	       take(l, sizeof(struct setup_data) + size, &l->map_node);
}

static bool take_efi(struct layout *l, const struct efi *efi)
{
	l->efi = true;
	l->efi_map_size = efi->runtime_map_size;
	return take(l, l->efi_map_size, &l->efi_map) &&
	       take(l, sizeof(struct setup_data) + sizeof(struct efi_setup_data),
		    &l->efi_node);
}

static bool measure(const struct plan_builder *b, struct layout *l)
{
	*l = (struct layout){ .size = sizeof(struct boot_params) };
	l->cmdline_size = strlen(b->cmdline ? b->cmdline : "") + 1;
	return take(l, l->cmdline_size, &l->cmdline) &&
	       take_map_rest(l, b->plan->memory.count) &&
	       (!x86_passes_efi(b) || take_efi(l, &b->in->machine->arch->efi));
}

int arch_boot_data_measure(struct plan_builder *b, struct error *err)
{
	uint64_t max = b->in->image->cmdline_max;
	struct layout l;

	if (!measure(b, &l))
		return error_set(err, EOVERFLOW, "the machine's memory map is too large");
	if (l.cmdline_size - 1 > max)
		return error_set(err, EINVAL,
				 "the command line has %zu bytes; this kernel takes %llu",
				 l.cmdline_size - 1, (unsigned long long)max);
	b->plan->boot_data_size = l.size;
	return 0;
}

/* Prepends a node with @len payload bytes to the chain. Returns its payload. */
static void *lead_chain(struct plan *plan, size_t offset, uint32_t type, size_t len)
{
	struct boot_params *bp = (void *)plan->boot_data;
	struct setup_data *node = (void *)(plan->boot_data + offset);

	*node = (struct setup_data){ .next = bp->hdr.setup_data,
				     .type = type,
				     .len = (uint32_t)len };
	bp->hdr.setup_data = plan->boot_data_addr + offset;
	return node->data;
}

/* The kernel's entries are packed, ours are not. */
static void copy_entries(struct boot_e820_entry *to, const struct memory_entry *from,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (struct boot_e820_entry){ from[i].addr, from[i].size,
						  from[i].type };
}

static void fill_map(struct plan *plan, struct boot_params *bp, const struct layout *l)
{
	const struct memory_map *map = &plan->memory;
	size_t in_page = map->count - l->map_rest;

	bp->e820_entries = (uint8_t)in_page;
	copy_entries(bp->e820_table, map->entries, in_page);
	if (l->map_rest)
		copy_entries(lead_chain(plan, l->map_node, SETUP_E820_EXT,
					l->map_rest * sizeof(struct boot_e820_entry)),
			     map->entries + in_page, l->map_rest);
}

/*
 * Memory above the first MiB, in KiB: two fields older than E820 that the kernel still
 * fills in for kexec_file_load().
 */
static void fill_extended_memory(struct boot_params *bp, const struct memory_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_entry *e = &map->entries[i];
		uint64_t last = e->addr + e->size - 1, kib;

		if (e->type != MEMORY_RAM || e->addr > MIB || last <= MIB)
			continue;
		kib = (last >> 10) - (MIB >> 10);
		bp->screen_info.ext_mem_k = kib > 0xfc00 ? 0xfc00 : (uint16_t)kib;
		bp->alt_mem_k = kib > UINT32_MAX ? UINT32_MAX : (uint32_t)kib;
	}
}

static void fill_efi(struct plan *plan, struct boot_params *bp, const struct layout *l,
		     const struct arch_machine *x86)
{
	const struct boot_params *now = &x86->boot_params;
	uint64_t map = plan->boot_data_addr + l->efi_map;
	struct efi_setup_data *efi;

	bp->secure_boot = now->secure_boot;
	bp->efi_info = now->efi_info;
	bp->efi_info.efi_memdesc_size = (uint32_t)x86->efi.desc_size;
	bp->efi_info.efi_memmap = (uint32_t)map;
	bp->efi_info.efi_memmap_hi = (uint32_t)(map >> 32);
	bp->efi_info.efi_memmap_size = (uint32_t)l->efi_map_size;
	memcpy(plan->boot_data + l->efi_map, x86->efi.runtime_map, l->efi_map_size);

	efi = lead_chain(plan, l->efi_node, SETUP_EFI, sizeof(*efi));
	*efi = (struct efi_setup_data){ .fw_vendor = x86->efi.fw_vendor,
					.tables = x86->efi.config_table,
					.smbios = x86->efi.smbios };
}

/* Copies data that the next kernel cannot get once firmware services are gone. */
static void fill_machine(struct boot_params *bp, const struct arch_machine *x86)
{
	const struct boot_params *now = &x86->boot_params;

	bp->acpi_rsdp_addr = x86->rsdp;
	if (!x86->has_boot_params)
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

static void fill_header(struct boot_params *bp, const struct plan_builder *b,
			const struct layout *l)
{
	const struct segment *initrd = plan_find(b->plan, SEGMENT_INITRD);
	uint64_t cmdline = b->plan->boot_data_addr + l->cmdline;
	uint64_t addr = initrd ? initrd->addr : 0;
	uint64_t size = initrd ? b->in->initrd.size : 0;

	/* headers of newer kernels may be longer than bp->hdr */
	memcpy((uint8_t *)bp + offsetof(struct boot_params, hdr),
	       b->in->image->header.data, b->in->image->header.size);
	bp->hdr.type_of_loader = LOADER_KEXEC;
	bp->hdr.loadflags = 0; /* no real-mode code runs: no heap, no quiet flag */
	bp->hdr.cmd_line_ptr = (uint32_t)cmdline;
	bp->ext_cmd_line_ptr = (uint32_t)(cmdline >> 32);
	bp->hdr.ramdisk_image = (uint32_t)addr;
	bp->ext_ramdisk_image = (uint32_t)(addr >> 32);
	bp->hdr.ramdisk_size = (uint32_t)size;
	bp->ext_ramdisk_size = (uint32_t)(size >> 32);
	bp->hdr.setup_data = 0;
}

/* The boot data leads to the page of the base seed, where the purgatory leaves the seed. */
struct seed_slot arch_seed_slot(const struct plan *plan)
{
	(void)plan;
	return (struct seed_slot){ SEGMENT_SEED, arch_seed_offset };
}

/* The seed's node comes first in the chain, as after kexec_file_load(). */
static void lead_with_seed(struct plan *plan, struct boot_params *bp)
{
	const struct segment *seed = plan_find(plan, SEGMENT_SEED);
	const struct setup_data header = { .next = bp->hdr.setup_data,
					   .type = SETUP_RNG_SEED,
					   .len = SEED_SIZE };

	if (!seed)
		return;
	memcpy(plan->seed_prefix, &header, sizeof(header));
	plan->seed_prefix_size = sizeof(header);
	plan->seed_slot = arch_seed_slot(plan);
	bp->hdr.setup_data = seed->addr;
}

int arch_boot_data_fill(struct plan_builder *b)
{
	struct plan *plan = b->plan;
	struct boot_params *bp = (void *)plan->boot_data;
	struct layout l;

	measure(b, &l); /* same result as before placement */
	plan->cmdline_offset = l.cmdline;
	if (b->cmdline)
		memcpy(plan->boot_data + l.cmdline, b->cmdline, l.cmdline_size);
	fill_header(bp, b, &l);
	fill_machine(bp, b->in->machine->arch);
	fill_extended_memory(bp, &plan->memory);
	fill_map(plan, bp, &l);
	if (l.efi)
		fill_efi(plan, bp, &l, b->in->machine->arch);
	lead_with_seed(plan, bp);
	return 0;
}

/* Reads the header of the node at @addr; false if the plan does not contain it. */
static bool find_node(const struct plan *plan, uint64_t addr, struct setup_data *out)
{
	const struct segment *seed = plan_find(plan, SEGMENT_SEED);
	const struct range block = { plan->boot_data_addr,
				     plan->boot_data_addr + plan->boot_data_size };

	if (seed && addr == seed->addr) {
		memcpy(out, plan->seed_prefix, sizeof(*out));
		return true;
	}
	if (!range_holds(block, addr, sizeof(*out)))
		return false;
	memcpy(out, plan->boot_data + (addr - block.start), sizeof(*out));
	return true;
}

size_t x86_setup_nodes(const struct plan *plan, struct setup_node nodes[X86_MAX_NODES])
{
	uint64_t addr = plan_boot_params(plan)->hdr.setup_data;
	struct setup_data node;
	size_t count = 0;

	while (count < X86_MAX_NODES && addr && find_node(plan, addr, &node)) {
		nodes[count++] = (struct setup_node){ node.type, node.len, addr };
		addr = node.next;
	}
	return count;
}

/* The node after the seed's, if any, must be in the block with boot_params. */
const char *arch_check_plan(const struct plan *plan)
{
	const struct range block = { plan->boot_data_addr,
				     plan->boot_data_addr + plan->boot_data_size };
	static const uint8_t none[SEED_PREFIX_MAX];
	struct setup_data h;

	if (plan->boot_data_size < sizeof(struct boot_params) ||
	    plan->cmdline_offset < sizeof(struct boot_params))
		return "the command line";
	memcpy(&h, plan->seed_prefix, sizeof(h));
	if (!plan->has_seed)
		return memcmp(plan->seed_prefix, none, sizeof(none)) ? "a seed's header "
								       "without a seed"
								     : NULL;
	if (h.type != SETUP_RNG_SEED || h.len != SEED_SIZE)
		return "the seed's header";
	if (h.next && !range_holds(block, h.next, sizeof(h)))
		return "the seed's header points out of its block";
	return NULL;
}
