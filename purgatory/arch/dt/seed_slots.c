// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passes the seed on in the device tree. The loader leaves zeroes there and the base seed
 * in a page of its own, so that this page is all that has to be kept secret until now.
 */
#include "purgatory.h"

#include "arch_registers.h"
#include "traceless.h"

static const uint8_t kaslr_label[SEED_LABEL_SIZE] = "kexec-seed kaslr";

/* One seed must not say anything about the other, and KASLR shows in many places. */
static __attribute__((noinline)) void derive_kaslr_seed(const uint8_t *seed, uint8_t *to)
{
	uint8_t digest[SHA256_SIZE];
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, kaslr_label, sizeof(kaslr_label));
	sha256_update(&s, seed, SEED_SIZE);
	sha256_final(&s, digest);
	copy_bytes(to, digest, KASLR_SEED_SIZE);
	wipe(digest, sizeof(digest));
}

static void pass_seed(void *context)
{
	const struct purgatory_arch_params *a = context;
	uint8_t *base = (uint8_t *)(uintptr_t)a->base_seed;

	if (a->rng_seed) {
		copy_bytes((void *)(uintptr_t)a->rng_seed, base, SEED_SIZE);
		clean_range(a->rng_seed, SEED_SIZE);
	}
	if (a->kaslr_seed) {
		derive_kaslr_seed(base, (uint8_t *)(uintptr_t)a->kaslr_seed);
		wipe_dead_stack();
		clean_range(a->kaslr_seed, KASLR_SEED_SIZE);
	}
	wipe(base, SEED_SIZE);
	clean_range(a->base_seed, SEED_SIZE);
}

void arch_pass_seed(const struct purgatory_params *params)
{
	int exception;

	if (!params->arch.base_seed)
		return;
	exception = arch_try(pass_seed, (void *)&params->arch);
	if (exception >= 0)
		say("exception %lu, the kernel gets no seed", (uint64_t)exception);
}
