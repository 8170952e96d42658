// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a device tree: read, and as the boot data of a stored plan. The next
 * kernel's tree, if one can be made of it, has all that it is to have.
 */
#include "arch/arch.h"
#include "arch/dt/boot_data.h"
#include "arch/dt/chosen.h"
#include "arch/dt/vmgenid.h"
#include "seed_mix.h"

#ifdef FUZZ_ARM64
#include "arch/arm64/arm64.h"
#endif

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define CMDLINE	   "root=x y"
#define INITRD	   0x123400000ull
#define INITRD_END 0x123456789ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static struct dt_next usual_next(void)
{
	return (struct dt_next){ .cmdline = CMDLINE,
				 .initrd = { INITRD, INITRD_END },
				 .seed = true,
				 .kaslr_seed = dt_passes_kaslr_seed };
}

/* Console and, on arm64, firmware's calls. */
static void read_firmware(const struct dt *tree)
{
	struct dt_machine machine = { .tree = *tree };
	struct error err;

	require(!dt_read_uart("/nowhere", &machine, &err));
#ifdef FUZZ_ARM64
	struct arch_machine arm64 = { .dt = machine };

	require(!arm64_firmware_read("/nowhere", &arm64, &err));
#endif
}

/* What the loader reads of the running kernel's tree. */
static void read_tree(const struct dt *tree)
{
	struct ranges reserved = { 0 };
	struct vmgenid id;
	struct error err;

	dt_find_vmgenid(tree, &id);
	require((id.state == VMGENID_FOUND) == !id.why[0]);
	require(id.state == VMGENID_FOUND || !id.addr);
	dt_add_reserved(tree, &reserved, &err);
	for (size_t i = 0; i < reserved.count; i++)
		require(reserved.items[i].start < reserved.items[i].end);
	ranges_free(&reserved);
	read_firmware(tree);
}

static bool is_reserved(const struct dt *tree, uint64_t start, uint64_t size)
{
	for (int i = 0; i < fdt_num_mem_rsv(tree->data); i++) {
		uint64_t at, bytes;

		if (!fdt_get_mem_rsv(tree->data, i, &at, &bytes) && at == start &&
		    bytes == size)
			return true;
	}
	return false;
}

static void check_next(const struct dt *next)
{
	struct plan plan = { .has_seed = true,
			     .boot_data = next->data,
			     .boot_data_size = next->size };
	uint64_t rng, kaslr;

	require(dt_is_valid((struct bytes){ next->data, next->size }));
	require(dt_seed_offsets(&plan, &rng, &kaslr));
	require(rng + SEED_SIZE <= next->size &&
		kaslr + DT_KASLR_SEED_SIZE <= next->size);
	plan.cmdline_offset = dt_chosen_cmdline((struct bytes){ next->data, next->size });
	require(!strcmp(plan_command_line(&plan), CMDLINE));
	require(is_reserved(next, INITRD, INITRD_END - INITRD));
	require(!arch_check_plan(&plan));
}

/*
 * As the next input it gives a tree of the same size, or smaller if the initrd was reserved
 * twice: nothing piles up.
 */
static void check_again(const struct dt *next)
{
	const struct dt_next usual = usual_next();
	struct dt again;
	struct error err;

	require(!dt_make_next(next, &usual, &again, &err));
	require(again.size <= next->size);
	dt_free(&again);
}

/* A crash kernel's tree, if the root's cells can express it; none of it is left later. */
static void check_crash(const struct dt *tree)
{
	static const struct range usable[] = { { 0x200000000, 0x240000000 },
					       { 0xe0000000, 0xe8000000 } };
	const struct dt_next usual = usual_next();
	struct dt_next crash = usual;
	struct dt next, later;
	uint64_t addr, size;
	struct error err;
	int chosen;

	crash.elfcorehdr = (struct range){ 0x200010000, 0x200012000 };
	crash.usable = usable;
	crash.nr_usable = 2;
	if (dt_make_next(tree, &crash, &next, &err))
		return;
	chosen = fdt_path_offset(next.data, "/chosen");
	require(dt_pair(next.data, chosen, "linux,elfcorehdr", &addr, &size));
	require(addr == crash.elfcorehdr.start && size == range_size(crash.elfcorehdr));
	require(is_reserved(&next, addr, size));
	require(!dt_make_next(&next, &usual, &later, &err));
	require(!is_reserved(&later, addr, size));
	dt_free(&next);
	dt_free(&later);
}

static void check_sizes(const struct dt *tree, const struct dt *next)
{
	struct dt_next low = usual_next();
	struct dt other;
	struct error err;

	low.initrd = (struct range){ 0, INITRD_END - INITRD };
	require(!dt_make_next(tree, &low, &other, &err) && other.size == next->size);
	dt_free(&other);
}

/* A recipe may hold anything. */
static void check_stored(const uint8_t *data, size_t size)
{
	struct plan plan = { .boot_data = malloc(size ? size : 1),
			     .boot_data_size = size };

	require(plan.boot_data);
	if (size)
		memcpy(plan.boot_data, data, size);
	arch_check_plan(&plan);
	arch_seed_slot(&plan);
	plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dt_next usual = usual_next();
	struct dt tree, next;
	struct error err;

	check_stored(data, size);
	if (dt_open((struct bytes){ data, size }, &tree, &err))
		return 0;
	read_tree(&tree);
	if (!dt_make_next(&tree, &usual, &next, &err)) {
		check_next(&next);
		check_again(&next);
		check_sizes(&tree, &next);
		check_crash(&tree);
		dt_free(&next);
	}
	dt_free(&tree);
	return 0;
}
