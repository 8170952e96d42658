// SPDX-License-Identifier: GPL-2.0-only
#include "arm64.h"

#define SCTLR_M (1ULL << 0)

#define CTR_DMINLINE_SHIFT 16
#define WORD_SIZE	   4ULL

void clean_range(uint64_t addr, uint64_t size)
{
	uint64_t line = WORD_SIZE << id_field(READ_SYSREG(ctr_el0), CTR_DMINLINE_SHIFT);
	uint64_t end = addr + size;

	for (addr &= ~(line - 1); addr < end; addr += line)
		__asm__ volatile("dc civac, %0" : : "r"(addr) : "memory");
	dsb();
}

/*
 * The entry code has turned the MMU on, if it does at all: before it, nothing may be
 * stored. Without it, memory that the loader did not write may be newer in a cache.
 */
bool arch_map_memory(const struct purgatory_params *params)
{
	if (READ_OWN_SYSREG(sctlr) & SCTLR_M)
		return true;
	if (console_is_verbose())
		say("MMU and caches are off");
	for (unsigned int i = 0; i < PURGATORY_MAX_MEMORY; i++)
		if (params->kernel_memory[i].start < params->kernel_memory[i].end)
			clean_range(params->kernel_memory[i].start,
				    params->kernel_memory[i].end -
					    params->kernel_memory[i].start);
	if (params->generation_id)
		clean_range(params->generation_id, VMGENID_SIZE);
	return true;
}
