// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speed of the purgatory's digest implementations:
 *
 *     bench_digest [MIB]
 *
 * On x86_64 it is linked with the blob's own objects, so their compiler flags are the
 * blob's; elsewhere with the loader's. "Kernel memory" is all of mixing a seed with that
 * much of the old kernel's memory, on x86_64 alone.
 *
 * "SHA-NI ceiling" is the time that the rounds alone take when nothing waits for a
 * result: what is left of it to gain. It tells a slow processor, or one whose other half
 * a guard uses, from a slow program.
 */
#include "digest.h"
#include "measure.h"
#include "purgatory/purgatory.h"

#ifdef __x86_64__
#include <immintrin.h>

#define CPU_SHA "SHA-NI"
#else
#define CPU_SHA "CPU"
#endif

#define ROUND_PAIRS 32 /* per block; FIPS 180-4: 64 rounds */

#define KERNEL_MEMORY_SIZE (20u << 20)

/* What mix.c needs of the purgatory; here all memory is mapped and no CPU is lesser. */
void say(const char *fmt, ...)
{
	(void)fmt;
}

bool console_is_verbose(void)
{
	return false;
}

int arch_try(void (*run)(void *context), void *context)
{
	run(context);
	return -1;
}

int try_cpu_sha(void (*run)(void *context), void *context)
{
	return arch_try(run, context);
}

void arch_take_entropy(const struct purgatory_params *params, struct seed_inputs *in)
{
	(void)params;
	(void)in;
}

#ifdef __x86_64__
static void mix_memory(const uint8_t *data, size_t size, uint32_t impl)
{
	struct {
		struct setup_data node;
		uint8_t seed[SEED_SIZE];
	} seed = { .node = { .type = SETUP_RNG_SEED, .len = SEED_SIZE } };
	uintptr_t start = (uintptr_t)data, middle = start + size / 3;
	const struct purgatory_params params = {
		.digest_impl = impl,
		.mix_target = (uintptr_t)&seed,
		.kernel_memory = { { start, middle }, { middle, start + size } },
	};

	mix_seed(&params, true);
}

static void mix_portable(const uint8_t *data, size_t size)
{
	mix_memory(data, size, DIGEST_PORTABLE);
}

static void mix_sha_ni(const uint8_t *data, size_t size)
{
	mix_memory(data, size, DIGEST_CPU_SHA);
}

/* Four independent chains: more than any CPU executes in parallel. */
__attribute__((target("sha,sse4.1"))) static void ceiling(const uint8_t *data,
							  size_t size)
{
	__m128i k = _mm_loadu_si128((const __m128i *)data), a = k, b = k, c = k, d = k;

	for (size_t i = 0; i < size / SHA256_BLOCK * ROUND_PAIRS / 4; i++) {
		a = _mm_sha256rnds2_epu32(a, k, k);
		b = _mm_sha256rnds2_epu32(b, k, k);
		c = _mm_sha256rnds2_epu32(c, k, k);
		d = _mm_sha256rnds2_epu32(d, k, k);
		__asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d));
	}
}
#endif

static void portable(const uint8_t *data, size_t size)
{
	uint8_t digest[SHA256_SIZE];

	digest_range(DIGEST_PORTABLE, data, size, digest);
}

static void cpu_sha(const uint8_t *data, size_t size)
{
	uint8_t digest[SHA256_SIZE];

	digest_range(DIGEST_CPU_SHA, data, size, digest);
}

int main(int argc, char **argv)
{
	uint8_t *data = measure_data();
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : MEASURE_SIZE;

	if (!data)
		return 1;
	if (!size || size > MEASURE_SIZE) {
		fprintf(stderr, "bench: %s: from 1 to %u MiB\n", argv[1],
			MEASURE_SIZE >> 20);
		return 2;
	}
	measure("portable", data, size, portable);
	if (digest_best_impl() == DIGEST_CPU_SHA)
		measure(CPU_SHA, data, size, cpu_sha);
#ifdef __x86_64__
	measure("portable, kernel memory", data, KERNEL_MEMORY_SIZE, mix_portable);
	if (digest_best_impl() == DIGEST_CPU_SHA) {
		measure("SHA-NI, kernel memory", data, KERNEL_MEMORY_SIZE, mix_sha_ni);
		measure("SHA-NI ceiling", data, size, ceiling);
	}
#endif
	free(data);
	return 0;
}
