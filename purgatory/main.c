// SPDX-License-Identifier: GPL-2.0-only
/*
 * The purgatory's steps between two kernels.
 */
#include "purgatory.h"

#include "digest.h"
#include "sha256_parts.h"

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

int try_cpu_sha(void (*run)(void *context), void *context)
{
	struct arch_vectors before = arch_vectors_on();
	int exception = arch_try(run, context);

	if (exception >= 0)
		arch_vectors_wipe();
	arch_vectors_off(before);
	return exception;
}

struct verification {
	const struct purgatory_params *params;
	const char *what_then;
	bool good;
};

static void verify_by_cpu(void *context)
{
	struct verification *v = context;

	v->good = verify_ranges(v->params, DIGEST_CPU_SHA, v->what_then);
}

static bool verify(const struct purgatory_params *params, const char *what_then)
{
	struct verification v = { params, what_then, false };
	int exception;

	if (arch_digest_impl(params) != DIGEST_CPU_SHA)
		return verify_ranges(params, DIGEST_PORTABLE, what_then);
	exception = try_cpu_sha(verify_by_cpu, &v);
	if (exception < 0)
		return v.good;
	say("exception %lu, verifying without " ARCH_CPU_SHA_NAME, (uint64_t)exception);
	return verify_ranges(params, DIGEST_PORTABLE, what_then);
}

struct mixing {
	const struct purgatory_params *params;
	bool own_map;
};

static void mix_once(void *context)
{
	const struct mixing *m = context;

	mix_seed(m->params, m->own_map);
}

struct purgatory_jump purgatory_main(const struct purgatory_params *params)
{
	uint32_t wish = params->on_corruption;
	/* A damaged block that says "go on" cannot be trusted. */
	uint32_t cautious = wish == PURGATORY_HALT ? PURGATORY_HALT : PURGATORY_RESET;
	int exception;
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
	/* what is loaded is good: a seed that is not mixed costs less than the kernel */
	exception = arch_try(mix_once, &(struct mixing){ params, own_map });
	if (exception >= 0)
		say("exception %lu, the seed is not mixed", (uint64_t)exception);
	arch_pass_seed(params);
	if (console_is_verbose())
		say("jumping to the kernel at 0x%lx", params->kernel_entry);
	return (struct purgatory_jump){ params->kernel_entry, params->boot_data };
}
