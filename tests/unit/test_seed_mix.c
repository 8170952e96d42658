// SPDX-License-Identifier: GPL-2.0-only
/* The seed's formula against Python's hashlib, and which inputs count. */
#include "check.h"

#include "seed_mix.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct seed_inputs inputs(uint8_t present, uint32_t nr_words)
{
	struct seed_inputs in = { .present = present,
				  .nr_words = nr_words,
				  .counter = 0x1122334455667788 };

	for (uint8_t i = 0; i < sizeof(in.base); i++)
		in.base[i] = i;
	for (uint64_t i = 0; i < SEED_HW_WORDS; i++)
		in.words[i] = 0x0123456789abcdef * (i + 1);
	for (uint8_t i = 0; i < sizeof(in.generation_id); i++)
		in.generation_id[i] = 0xa0 + i;
	for (uint8_t i = 0; i < sizeof(in.kernel_memory); i++)
		in.kernel_memory[i] = 0x40 + i;
	return in;
}

/*
 *   m = b"kexec-seed 1".ljust(16, b"\0") + bytes([present]) + base
 * plus the inputs that are present, numbers packed as "<Q"; sha256(m).hexdigest()
 */
static const struct {
	uint8_t present;
	uint32_t nr_words;
	const char *seed;
} known[] = {
	{ 0, 0, "33a2bd2490873ca1e49f3dded2bcf7839e05a06795a275ba565d2587270d60b4" },
	{ 1, 8, "522eed44838ea900744cdfa266c0c4900316ab40eeacdaffa1c8eb2f2b36c7da" },
	{ 2, 8, "dc2118f2da85b8233b3f7f1adaa614bce2614fe92b959b77bd92bb858b1e478e" },
	{ 2, 3, "884821454714fa3b2aed420cc7f56ca4d7cdca51e727ebbd8ab25f13cf7bb1e6" },
	{ 4, 0, "c872cb85485aadb657d977290ac0c7c2da3f0a85ff91c440f1297bb948fb573e" },
	{ 8, 0, "4224a90168a07836479a2040e676b4f70ac1905c0606fd40f2deaef64c9ec694" },
	{ 5, 8, "b6a0fb476d7b6410d5b104bd3027fb35d25cfc0b6611b90f6a0979461f0f558b" },
	{ 13, 8, "2065dc6080cae631e5d8935228ce65612dbd6dd62bdce54344962b2b53715622" },
	{ 14, 5, "e088c54ce4db3d5be55c7ad945a63b1c51eae82962a000c76adca3fa5662ce85" },
	{ 16, 0, "536801ee270a0f37d09a1c57577e24a0e388ff6853cd300b1996a2831179293b" },
	{ 31, 8, "f3027a83e97358031518fdbee74081271d73f018def1c7d97868c38812143450" },
};

static void test_known_answers(void **state)
{
	uint8_t seed[SEED_SIZE];
	char text[2 * SEED_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		struct seed_inputs in = inputs(known[i].present, known[i].nr_words);

		seed_mix(&in, seed);
		for (size_t k = 0; k < sizeof(seed); k++)
			snprintf(text + 2 * k, 3, "%02x", seed[k]);
		assert_string_equal(text, known[i].seed);
	}
}

static void assert_counts(const struct seed_inputs *in, const void *part, size_t size,
			  bool counts)
{
	size_t at = (size_t)((const uint8_t *)part - (const uint8_t *)in);
	uint8_t before[SEED_SIZE], after[SEED_SIZE];

	seed_mix(in, before);
	for (size_t i = 0; i < size; i++) {
		struct seed_inputs other = *in;

		((uint8_t *)&other)[at + i] ^= 0x40;
		seed_mix(&other, after);
		if ((memcmp(before, after, sizeof(after)) != 0) != counts)
			fail_msg("inputs 0x%x, byte %zu %s", in->present, at + i,
				 counts ? "does not count" : "counts");
	}
}

/* Every byte of a present input counts, and none of an absent one. */
static void test_what_counts(void **state)
{
	(void)state;
	for (uint8_t present = 0; present <= SEED_INPUT_ALL; present++) {
		struct seed_inputs in = inputs(present, 5);
		bool words = present & SEED_INPUT_WORDS;

		assert_counts(&in, in.base, sizeof(in.base), true);
		assert_counts(&in, in.words, 5 * sizeof(in.words[0]), words);
		assert_counts(&in, in.words + 5, 3 * sizeof(in.words[0]), false);
		assert_counts(&in, &in.counter, sizeof(in.counter),
			      present & SEED_INPUT_COUNTER);
		assert_counts(&in, in.generation_id, sizeof(in.generation_id),
			      present & SEED_INPUT_GENERATION_ID);
		assert_counts(&in, in.kernel_memory, sizeof(in.kernel_memory),
			      present & SEED_INPUT_KERNEL_MEMORY);
	}
}

/* Each set of inputs gives a result of its own. */
static void test_presence_counts(void **state)
{
	uint8_t seeds[SEED_INPUT_ALL + 1][SEED_SIZE];

	(void)state;
	for (uint8_t present = 0; present <= SEED_INPUT_ALL; present++) {
		struct seed_inputs in = inputs(present, present % SEED_HW_WORDS);

		/* all zeroes: only the flags differ */
		memset(in.words, 0, sizeof(in.words));
		memset(in.generation_id, 0, sizeof(in.generation_id));
		memset(in.kernel_memory, 0, sizeof(in.kernel_memory));
		in.counter = 0;
		seed_mix(&in, seeds[present]);
		for (uint8_t other = 0; other < present; other++)
			assert_memory_not_equal(seeds[present], seeds[other], SEED_SIZE);
	}
}

static void test_too_many_words(void **state)
{
	struct seed_inputs all = inputs(SEED_INPUT_WORDS, SEED_HW_WORDS);
	struct seed_inputs more = inputs(SEED_INPUT_WORDS, UINT32_MAX);
	uint8_t a[SEED_SIZE], b[SEED_SIZE];

	(void)state;
	seed_mix(&all, a);
	seed_mix(&more, b);
	assert_memory_equal(a, b, sizeof(a));
}

/* The purgatory writes the result over the base seed. */
static void test_result_may_be_the_base(void **state)
{
	struct seed_inputs in = inputs(SEED_INPUT_COUNTER, 0);
	uint8_t seed[SEED_SIZE];

	(void)state;
	seed_mix(&in, seed);
	seed_mix(&in, in.base);
	assert_memory_equal(seed, in.base, sizeof(seed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_presence_counts),
		cmocka_unit_test(test_too_many_words),
		cmocka_unit_test(test_result_may_be_the_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
