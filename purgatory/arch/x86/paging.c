// SPDX-License-Identifier: GPL-2.0-only
#include "x86.h"

#include "pgtable.h"

#define CR4_LA57 (1ULL << 12)
#define MSR_EFER 0xc0000080
#define EFER_NXE (1U << 11)

static uint64_t read_cr3(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr3, %0" : "=r"(value));
	return value;
}

static uint64_t read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr4, %0" : "=r"(value));
	return value;
}

static bool no_execute_is_on(void)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
	return low & EFER_NXE;
}

/* Arrays instead of pointers: a pointer would need a relocation. */
static const char pgt_complaint[][40] = {
	[PGT_UNALIGNED] = "is not page aligned",
	[PGT_TOO_SMALL] = "is too small",
	[PGT_NOT_ZEROED] = "is not zeroed",
	[PGT_BAD_MAP] = "cannot hold what is to be mapped",
};

/*
 * The old kernel's tables map what it had; ours map what is needed and lie where the next
 * kernel expects them. If ours cannot be built, the old ones usually suffice.
 */
bool arch_map_memory(const struct purgatory_params *params)
{
	const struct pgt_memory memory = { .offset = 0 };
	uint64_t self = (uintptr_t)params, cr3 = read_cr3();
	bool la57 = read_cr4() & CR4_LA57;
	struct pgt_request req = {
		.memory = memory,
		.pool = params->map_pool,
		.pages = params->map_pages,
		.maps = params->maps,
		.nr_maps = params->nr_maps,
		.read_only = params->kernel_memory,
		.no_execute = no_execute_is_on(),
		.self = { self, (uintptr_t)purgatory_end },
		.attributes = pgt_attributes(memory, cr3, la57, self),
		.la57 = la57,
	};
	enum pgt_result result = pgt_build(&req, &cr3);

	if (result != PGT_OK) {
		say("the room for page tables (%lu pages at 0x%lx) %s, keeping the old ones",
		    params->map_pages, params->map_pool, pgt_complaint[result]);
		return false;
	}
	__asm__ volatile("movq %0, %%cr3" : : "r"(cr3) : "memory");
	return true;
}
