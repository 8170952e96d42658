// SPDX-License-Identifier: GPL-2.0-only
#include "x86.h"

/*
 * Attempts per word. Intel's DRNG guide calls RDRAND broken after ten failures in a row.
 * RDSEED may be exhausted for a while; the guide gives no number. 100 attempts with PAUSE
 * take some 10 us, which a reboot does not notice.
 */
#define RDRAND_TRIES 10
#define RDSEED_TRIES 100

static bool rdseed(uint64_t *word)
{
	bool good;

	__asm__ volatile("rdseed %0" : "=r"(*word), "=@ccc"(good));
	return good;
}

static bool rdrand(uint64_t *word)
{
	bool good;

	__asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(good));
	return good;
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (uint64_t)high << 32;
}

/* A virtual machine may have been moved to a CPU that lacks these instructions. */
static void take_rdseed(void *in)
{
	mix_take_words(rdseed, RDSEED_TRIES, SEED_INPUT_RDSEED, in);
}

static void take_rdrand(void *in)
{
	mix_take_words(rdrand, RDRAND_TRIES, SEED_INPUT_RDRAND, in);
}

void arch_take_entropy(const struct purgatory_params *params, struct seed_inputs *in)
{
	if (params->mix_inputs & SEED_INPUT_RDSEED)
		arch_try(take_rdseed, in);
	if (params->mix_inputs & SEED_INPUT_RDRAND)
		arch_try(take_rdrand, in);
	if (params->mix_inputs & SEED_INPUT_TSC) {
		in->counter = rdtsc();
		in->present |= SEED_INPUT_TSC;
	}
}
