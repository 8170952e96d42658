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

static void pass_rng_seed(void *context)
{
	const struct purgatory_arch_params *a = context;

	if (a->rng_seed) {
		copy_bytes((void *)(uintptr_t)a->rng_seed,
			   (const void *)(uintptr_t)a->base_seed, SEED_SIZE);
		clean_range(a->rng_seed, SEED_SIZE);
	}
}

static void pass_kaslr_seed(void *context)
{
	const struct purgatory_arch_params *a = context;

	if (a->kaslr_seed) {
		derive_kaslr_seed((const uint8_t *)(uintptr_t)a->base_seed,
				  (uint8_t *)(uintptr_t)a->kaslr_seed);
		wipe_dead_stack();
		clean_range(a->kaslr_seed, KASLR_SEED_SIZE);
	}
}

static void wipe_base_seed(void *context)
{
	const struct purgatory_arch_params *a = context;

	wipe((void *)(uintptr_t)a->base_seed, SEED_SIZE);
	clean_range(a->base_seed, SEED_SIZE);
}

/* Of a property: token, length, name. Devicetree Specification 0.4, section 5.4.1 */
#define PROPERTY_HEAD 12
#define TOKEN_SIZE    4
#define FDT_NOP	      4 /* big endian */

/*
 * The kernel would credit 32 zeroes, or half a seed, as a whole one. It reads over these
 * tokens, and makes them itself of a seed that it has taken.
 */
static void drop_rng_seed(void *context)
{
	const struct purgatory_arch_params *a = context;
	uint64_t start = a->rng_seed - PROPERTY_HEAD;
	uint8_t *property = (uint8_t *)(uintptr_t)start;

	for (unsigned int i = 0; i < PROPERTY_HEAD + SEED_SIZE; i++)
		property[i] = i % TOKEN_SIZE == TOKEN_SIZE - 1 ? FDT_NOP : 0;
	clean_range(start, PROPERTY_HEAD + SEED_SIZE);
}

/* What ends a try may be no fault of ours, as an SError for others' sake. */
static int try_twice(void (*run)(void *context), void *context)
{
	return arch_try(run, context) < 0 ? -1 : arch_try(run, context);
}

void arch_pass_seed(const struct purgatory_params *params)
{
	void *a = (void *)&params->arch;
	int exception;

	if (!params->arch.base_seed)
		return;
	exception = try_twice(pass_rng_seed, a);
	if (exception >= 0) {
		say("exception %lu, the kernel gets no seed", (uint64_t)exception);
		try_twice(drop_rng_seed, a);
	}
	try_twice(pass_kaslr_seed, a);
	try_twice(wipe_base_seed, a);
}
