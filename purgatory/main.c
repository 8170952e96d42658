// SPDX-License-Identifier: GPL-2.0-only
/*
 * The course of events between two kernels.
 */
#include "purgatory.h"

#include "digest.h"
#include "pgtable.h"

#define CR4_LA57 (1ULL << 12)

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

/* Fixed places instead of pointers: a pointer would have to be filled in at run time. */
static const char pgt_complaint[][40] = {
	[PGT_UNALIGNED] = "is not page aligned",
	[PGT_TOO_SMALL] = "is too small",
	[PGT_NOT_ZEROED] = "is not zeroed",
	[PGT_BAD_MAP] = "cannot hold what is to be mapped",
};

/*
 * The old kernel's tables map what it had; ours map what is needed, and lie where the
 * next kernel knows of them. If they cannot be had, the old ones usually do.
 */
static bool use_own_tables(const struct purgatory_params *params)
{
	const struct pgt_memory memory = { .offset = 0 };
	uint64_t self = (uintptr_t)params, cr3 = read_cr3();
	bool la57 = read_cr4() & CR4_LA57;
	struct pgt_request req = {
		.memory = memory,
		.pool = params->pgt_pool,
		.pages = params->pgt_pages,
		.maps = params->maps,
		.nr_maps = params->nr_maps,
		.self = { self, (uintptr_t)purgatory_end },
		.attributes = pgt_attributes(memory, cr3, la57, self),
		.la57 = la57,
	};
	enum pgt_result result = pgt_build(&req, &cr3);

	if (result != PGT_OK) {
		say("the room for page tables (%lu pages at 0x%lx) %s, keeping the old ones",
		    params->pgt_pages, params->pgt_pool, pgt_complaint[result]);
		return false;
	}
	__asm__ volatile("movq %0, %%cr3" : : "r"(cr3) : "memory");
	return true;
}

/* What the messages say will happen, for each wish of the loader. */
static const char consequence[][40] = {
	[PURGATORY_RESET] = "resetting the machine",
	[PURGATORY_HALT] = "stopping the processor",
	[PURGATORY_BOOT] = "starting the kernel all the same",
};

static void act_on_damage(uint32_t wish)
{
	if (wish == PURGATORY_HALT)
		machine_halt();
	if (wish != PURGATORY_BOOT)
		machine_reset();
}

/* The fast way needs SSE, which is left as it was found. */
static bool verify(const struct purgatory_params *params, const char *what_then)
{
	struct vector_control before;
	bool good;

	if (params->digest_way != DIGEST_SHA_NI)
		return verify_ranges(params, what_then);
	before = vectors_on();
	good = verify_ranges(params, what_then);
	vectors_off(before);
	return good;
}

struct purgatory_jump purgatory_main(const struct purgatory_params *params)
{
	uint32_t wish = params->on_corruption;
	/* A block that is damaged cannot be believed when it says "go on". */
	uint32_t cautious = wish == PURGATORY_HALT ? PURGATORY_HALT : PURGATORY_RESET;
	bool own_tables;

	if (wish > PURGATORY_BOOT)
		wish = PURGATORY_RESET;
	exceptions_init();
	console_init(params);
	if (!verify_params(params, consequence[cautious]))
		act_on_damage(cautious);
	own_tables = use_own_tables(params);
	if (!verify(params, consequence[wish]))
		act_on_damage(wish);
	mix_seed(params, own_tables);
	if (console_is_verbose())
		say("jumping to the kernel at 0x%lx", params->kernel_entry);
	return (struct purgatory_jump){ params->kernel_entry, params->boot_params };
}
