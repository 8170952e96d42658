/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * params_block.h - the block that tells the next kernel about itself and the machine:
 * boot_params, the command line, and every setup_data node except the seed's.
 *
 * First it is measured (sizes and offsets, which placement needs), then it is filled in
 * (which needs the addresses).
 */
#ifndef KS_PARAMS_BLOCK_H
#define KS_PARAMS_BLOCK_H

#include "plan/plan.h"

/* Where things lie in the block; an offset of 0 with a size of 0 means absent. */
struct params_layout {
	size_t cmdline;
	size_t cmdline_size; /* with its NUL */
	size_t efi_map;
	size_t efi_map_size;
	size_t efi_node;
	size_t e820_node; /* the entries that boot_params has no room for */
	size_t e820_rest; /* how many they are */
	bool efi;
	size_t size; /* of the block */
};

/* Where the rest of the plan lies: what boot_params point to. Physical addresses. */
struct params_addresses {
	uint64_t block;
	uint64_t initrd;
	uint64_t initrd_size;
	uint64_t seed; /* 0: none */
};

/* What goes into it besides facts and image. Borrowed. */
struct params_input {
	const char *command_line; /* NULL: empty */
	const struct e820_map *e820;
	bool noefi;
};

/* Measures the block. 0, -EINVAL (a command line that is too long) or -EOVERFLOW. */
int params_measure(const struct facts *facts, const struct image *image,
		   const struct params_input *in, struct params_layout *out,
		   struct error *err);

/*
 * Fills in plan->params_block (allocated by the caller, zeroed, layout->size bytes) and
 * the list of nodes.
 */
void params_fill(struct plan *plan, const struct params_layout *layout,
		 const struct params_addresses *at, const struct facts *facts,
		 const struct image *image, const struct params_input *in);

#endif
