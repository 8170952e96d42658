// SPDX-License-Identifier: GPL-2.0-only
/* The digest of a range, by every implementation. */
#include "check.h"
#include "traces.h"
#include "digest_impls.h"

#include "digest.h"
#include "purgatory/sha256_parts.h"
#include "purgatory/traceless.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST	   (16 * DIGEST_CHUNK + 100)
#define MAX_CHUNKS 17

static const struct {
	size_t size;
	const char *digest;
} roots[] = {
#include "data/sha256/roots.inc"
};

static void assert_digest(const uint8_t digest[SHA256_SIZE], const char *expected,
			  enum digest_impl impl, size_t size)
{
	char text[2 * SHA256_SIZE + 1];

	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	if (strcmp(text, expected))
		fail_msg("%s, %zu bytes: %s instead of %s", impl_name(impl), size, text,
			 expected);
}

static int setup(void **state)
{
	uint8_t *data = malloc(LARGEST);

	assert_non_null(data);
	for (size_t i = 0; i < LARGEST; i++)
		data[i] = (uint8_t)(i * i >> 5 ^ i >> 11);
	*state = data;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_known_roots(void **state)
{
	uint8_t digest[SHA256_SIZE];

	FOR_EACH_IMPL(impl)
	{
		for (size_t i = 0; i < COUNT(roots); i++) {
			digest_range(impl, *state, roots[i].size, digest);
			assert_digest(digest, roots[i].digest, impl, roots[i].size);
		}
	}
}

static void test_number_of_chunks(void **state)
{
	(void)state;
	assert_int_equal(digest_chunks(0), 0);
	assert_int_equal(digest_chunks(1), 1);
	assert_int_equal(digest_chunks(DIGEST_CHUNK), 1);
	assert_int_equal(digest_chunks(DIGEST_CHUNK + 1), 2);
	assert_int_equal(digest_chunks(UINT64_MAX), 1ULL << 48);
}

/* Each chunk's digest is its SHA-256; nothing is written behind the last one. */
static void test_chunk_run(void **state)
{
	uint8_t out[MAX_CHUNKS + 1][SHA256_SIZE], expected[SHA256_SIZE];
	const uint8_t *data = *state;

	FOR_EACH_IMPL(impl)
	{
		for (size_t i = 0; i < COUNT(roots); i++) {
			size_t size = roots[i].size, n = 0;

			memset(out, 0xee, sizeof(out));
			digest_chunk_run(impl, data, size, out);
			for (size_t at = 0; at < size; at += DIGEST_CHUNK, n++) {
				size_t left = size - at;

				sha256(data + at,
				       left < DIGEST_CHUNK ? left : DIGEST_CHUNK,
				       expected);
				assert_memory_equal(out[n], expected, SHA256_SIZE);
			}
			assert_int_equal(n, digest_chunks(size));
			memset(expected, 0xee, sizeof(expected));
			assert_memory_equal(out[n], expected, SHA256_SIZE);
		}
	}
}

static void test_ways_agree(void **state)
{
	uint8_t *data = *state, a[SHA256_SIZE], b[SHA256_SIZE];

	srandom(7);
	for (size_t i = 0; i < LARGEST; i++)
		data[i] = (uint8_t)random();
	for (int round = 0; round < 500; round++) {
		size_t size = (size_t)random() % (5 * DIGEST_CHUNK);
		size_t start = (size_t)random() % (LARGEST - size);

		digest_range(DIGEST_PORTABLE, data + start, size, a);
		digest_range(digest_best_impl(), data + start, size, b);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void test_unaligned(void **state)
{
	uint8_t *data = *state, *moved = malloc(3 * DIGEST_CHUNK + 64);
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
	size_t size = 2 * DIGEST_CHUNK + 100;

	assert_non_null(moved);
	FOR_EACH_IMPL(impl)
	{
		digest_range(impl, data, size, a);
		for (size_t shift = 1; shift < 64; shift += 3) {
			memcpy(moved + shift, data, size);
			digest_range(impl, moved + shift, size, b);
			assert_memory_equal(a, b, sizeof(a));
		}
	}
	free(moved);
}

static void test_every_byte_counts(void **state)
{
	uint8_t *data = *state, a[SHA256_SIZE], b[SHA256_SIZE];
	size_t size = 3 * DIGEST_CHUNK + 77;

	FOR_EACH_IMPL(impl)
	{
		digest_range(impl, data, size, a);
		for (size_t i = 0; i < size; i += 4093) {
			data[i] ^= 0x10;
			digest_range(impl, data, size, b);
			assert_memory_not_equal(a, b, sizeof(a));
			data[i] ^= 0x10;
		}
		digest_range(impl, data, size - 1, b);
		assert_memory_not_equal(a, b, sizeof(a));
	}
}

static void test_unknown_way(void **state)
{
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	digest_range(DIGEST_PORTABLE, *state, 100000, a);
	digest_range((enum digest_impl)4711, *state, 100000, b);
	assert_memory_equal(a, b, sizeof(a));
}

static const uint8_t message[32] = "\xc5\x17\x9e\x62 a seed of thirty-two bytes.";

static void whole(enum digest_impl impl, uint8_t digest[SHA256_SIZE])
{
	digest_range(impl, message, sizeof(message), digest);
}

static void chunk(enum digest_impl impl, uint8_t digest[SHA256_SIZE])
{
	digest_chunk_run(impl, message, sizeof(message), (uint8_t(*)[SHA256_SIZE])digest);
}

static void assert_no_traces(void (*hash)(enum digest_impl, uint8_t *),
			     enum digest_impl impl)
{
	struct vector_registers regs;
	uint8_t digest[SHA256_SIZE];
	struct traces traces;

	wipe_dead_stack(); /* still has the words that the last call searched for */
	hash(impl, digest);
	traces_take_registers(&regs);
	traces_take_stack();
	traces_of(message, sizeof(message), &traces);
	assert_int_equal(traces_in_registers(&traces, &regs), 0);
	assert_int_equal(traces_on_stack(&traces), 0);
}

static void test_no_traces(void **state)
{
	(void)state;
	FOR_EACH_IMPL(impl)
	{
		assert_no_traces(whole, impl);
		assert_no_traces(chunk, impl);
	}
}

static void test_vector_registers_are_zeroed(void **state)
{
	static const struct vector_registers zero;
	struct vector_registers regs;
	uint32_t sums[DIGEST_LANES][SHA256_WORDS] = { { 0 } };

	if (digest_best_impl() != DIGEST_CPU_SHA)
		skip();
	sha256_cpu_absorb(sums, *state, 0, 3);
	traces_take_registers(&regs);
	assert_memory_equal(&regs, &zero, sizeof(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_processor_has_sha_ni),
		cmocka_unit_test_setup_teardown(test_known_roots, setup, teardown),
		cmocka_unit_test(test_number_of_chunks),
		cmocka_unit_test_setup_teardown(test_chunk_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ways_agree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unaligned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_byte_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_way, setup, teardown),
		cmocka_unit_test(test_no_traces),
		cmocka_unit_test_setup_teardown(test_vector_registers_are_zeroed, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
