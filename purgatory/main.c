// SPDX-License-Identifier: GPL-2.0-only
/*
 * The purgatory's steps between two kernels.
 */
#include "purgatory.h"

#include "digest.h"

/* Consequences as messages name them, by on_corruption. */
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

/* Enables vector registers while the CPU's SHA instructions need them. */
static bool verify(const struct purgatory_params *params, const char *what_then)
{
	struct arch_vectors before;
	bool good;

	if (params->digest_impl != DIGEST_CPU_SHA)
		return verify_ranges(params, what_then);
	before = arch_vectors_on();
	good = verify_ranges(params, what_then);
	arch_vectors_off(before);
	return good;
}

struct purgatory_jump purgatory_main(const struct purgatory_params *params)
{
	uint32_t wish = params->on_corruption;
	/* A damaged block that says "go on" cannot be trusted. */
	uint32_t cautious = wish == PURGATORY_HALT ? PURGATORY_HALT : PURGATORY_RESET;
	bool own_map;

	if (wish > PURGATORY_BOOT)
		wish = PURGATORY_RESET;
	exceptions_init();
	console_init(params);
	if (!verify_params(params, consequence[cautious]))
		act_on_damage(cautious);
	own_map = arch_map_memory(params);
	if (!verify(params, consequence[wish]))
		act_on_damage(wish);
	mix_seed(params, own_map);
	if (console_is_verbose())
		say("jumping to the kernel at 0x%lx", params->kernel_entry);
	return (struct purgatory_jump){ params->kernel_entry, params->boot_data };
}
