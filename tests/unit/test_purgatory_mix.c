// SPDX-License-Identifier: GPL-2.0-only
/*
 * The purgatory's mixing, with this program's addresses as physical ones and a string as
 * console.
 */
#include "check.h"
#include "digest_impls.h"
#include "traces.h"

#include "purgatory/purgatory.h"

#include "setup_data.h"
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <x86intrin.h>

#define NOWHERE 0x7fff00001000 /* not mapped: reading there would be noticed */

static char said[1024];
static bool verbose;

void say(const char *fmt, ...)
{
	size_t used = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + used, sizeof(said) - used, fmt, ap);
	va_end(ap);
}

bool console_is_verbose(void)
{
	return verbose;
}

/* Exceptions are tested on the blob itself: test_purgatory_code.c. */
static int exception = -1, failing_tries;

int arch_try(void (*run)(void *context), void *context)
{
	if (exception >= 0 && failing_tries-- > 0)
		return exception;
	run(context);
	return -1;
}

/* This program may use vector registers at any time. */
int try_cpu_sha(void (*run)(void *context), void *context)
{
	return arch_try(run, context);
}

struct scene {
	struct purgatory_params params;
	struct {
		uint64_t next;
		uint32_t type;
		uint32_t len;
		uint8_t seed[SEED_SIZE];
		uint8_t behind[16];
	} node;
	uint8_t generation_id[VMGENID_SIZE];
	struct seed_inputs expected; /* the expected input of seed_mix() */
};

static void start(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->node.next = 0x1234;
	s->node.type = SETUP_RNG_SEED;
	s->node.len = SEED_SIZE;
	for (uint8_t i = 0; i < SEED_SIZE; i++)
		s->node.seed[i] = 0x91 ^ (uint8_t)(i * 29);
	memset(s->node.behind, 0xbe, sizeof(s->node.behind));
	memset(s->generation_id, 0x67, sizeof(s->generation_id));
	s->params.mix_target = (uintptr_t)&s->node;
	memcpy(s->expected.base, s->node.seed, SEED_SIZE);
	said[0] = '\0';
	verbose = true;
	exception = -1;
}

static int setup(void **state)
{
	static struct scene s;

	start(&s);
	*state = &s;
	return 0;
}

/* Only the 32 bytes of the seed may change. */
static void assert_surroundings(const struct scene *s)
{
	assert_int_equal(s->node.next, 0x1234);
	assert_int_equal(s->node.len, SEED_SIZE);
	for (size_t i = 0; i < sizeof(s->node.behind); i++)
		assert_int_equal(s->node.behind[i], 0xbe);
}

static void assert_seed_is_as_expected(const struct scene *s)
{
	uint8_t seed[SEED_SIZE];

	seed_mix(&s->expected, seed);
	assert_memory_equal(s->node.seed, seed, sizeof(seed));
	assert_surroundings(s);
}

static void assert_untouched(const struct scene *s)
{
	assert_memory_equal(s->node.seed, s->expected.base, SEED_SIZE);
	assert_surroundings(s);
}

static void test_no_node(void **state)
{
	struct scene *s = *state;

	s->params.mix_target = 0;
	mix_seed(&s->params, true);
	assert_string_equal(said, "");
	assert_untouched(s);
}

static void test_not_a_seed(void **state)
{
	struct scene *s = *state;
	char line[100];

	s->node.type = SETUP_E820_EXT;
	mix_seed(&s->params, true);
	snprintf(line, sizeof(line), "there is no seed at 0x%lx to mix",
		 (unsigned long)(uintptr_t)&s->node);
	assert_string_equal(said, line);
	assert_untouched(s);
	s->node.type = SETUP_RNG_SEED;
	s->node.len = 31;
	mix_seed(&s->params, true);
	s->node.len = 64;
	mix_seed(&s->params, true);
	s->node.len = SEED_SIZE;
	assert_untouched(s);
}

/* The base seed is the only input, and still the next kernel gets another one. */
static void test_no_inputs(void **state)
{
	struct scene *s = *state;

	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
	assert_non_null(strstr(said, "seed not mixed: "));
}

static void test_silence(void **state)
{
	struct scene *s = *state;

	verbose = false;
	mix_seed(&s->params, true);
	assert_string_equal(said, "");
}

static void map_generation_id(struct scene *s)
{
	s->params.generation_id = (uintptr_t)s->generation_id;
	s->params.nr_maps = 2;
	s->params.maps[0] = (struct purgatory_map){ 1ULL << 32, 2ULL << 32 };
	s->params.maps[1] =
		(struct purgatory_map){ s->params.generation_id,
					s->params.generation_id + VMGENID_SIZE };
}

static void expect_generation_id(struct scene *s)
{
	s->expected.present = SEED_INPUT_GENERATION_ID;
	memcpy(s->expected.generation_id, s->generation_id, VMGENID_SIZE);
}

static void test_generation_id(void **state)
{
	struct scene *s = *state;

	map_generation_id(s);
	expect_generation_id(s);
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
	assert_string_equal(said, "seed mixed with generation ID");
}

/* The low 4 GiB are always mapped. */
static void test_generation_id_in_the_low_memory(void **state)
{
	struct scene *s = *state;
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	assert_true(page != MAP_FAILED);
	memcpy(page, s->generation_id, VMGENID_SIZE);
	s->params.generation_id = (uintptr_t)page;
	expect_generation_id(s);
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
	munmap(page, 4096);
}

static void test_generation_id_and_the_old_tables(void **state)
{
	struct scene *s = *state;

	map_generation_id(s);
	mix_seed(&s->params, false);
	assert_seed_is_as_expected(s);
}

static void test_generation_id_out_of_the_map(void **state)
{
	static const uint64_t bad[] = { NOWHERE, UINT64_MAX - 3, (1ULL << 32) - 15,
					(2ULL << 32) - 15 };

	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		start(s);
		map_generation_id(s);
		s->params.generation_id = bad[i];
		mix_seed(&s->params, true);
		assert_seed_is_as_expected(s);
	}
}

static void test_generation_id_map_too_short(void **state)
{
	struct scene *s = *state;

	map_generation_id(s);
	s->params.maps[1].end--;
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
	start(s);
	map_generation_id(s);
	s->params.maps[1].start++;
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
}

/* The first map counts, one behind the last does not. */
static void test_generation_id_and_the_number_of_maps(void **state)
{
	struct scene *s = *state;

	map_generation_id(s);
	s->params.nr_maps = 1;
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
	start(s);
	map_generation_id(s);
	s->params.maps[0] = s->params.maps[1];
	s->params.nr_maps = 1;
	expect_generation_id(s);
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
}

/* Input from the CPU is unpredictable: it must differ between calls. */
static void assert_differs_each_time(struct scene *s, uint32_t input, const char *words)
{
	uint8_t first[SEED_SIZE], without[SEED_SIZE];

	seed_mix(&s->expected, without);
	s->params.mix_inputs = input;
	mix_seed(&s->params, true);
	assert_string_equal(said, words);
	memcpy(first, s->node.seed, sizeof(first));
	memcpy(s->node.seed, s->expected.base, SEED_SIZE);
	mix_seed(&s->params, true);
	assert_memory_not_equal(first, without, sizeof(first));
	assert_memory_not_equal(first, s->node.seed, sizeof(first));
	assert_surroundings(s);
}

static void test_tsc(void **state)
{
	assert_differs_each_time(*state, SEED_INPUT_TSC, "seed mixed with TSC");
}

#define SOON  200000 /* ticks; each costs a digest to try */
#define OFTEN 100

/* The inputs are the whole counter and the generation ID, and nothing else. */
static void test_the_value_of_tsc(void **state)
{
	struct scene *s = *state;
	uint64_t end = 0;

	for (int i = 0; i < OFTEN; i++) {
		start(s);
		map_generation_id(s);
		s->params.mix_inputs = SEED_INPUT_TSC;
		s->expected.counter = __rdtsc();
		mix_seed(&s->params, true);
		end = __rdtsc();
		if (end - s->expected.counter < SOON) /* not interrupted */
			break;
	}
	assert_string_equal(said, "seed mixed with TSC, generation ID");
	expect_generation_id(s);
	s->expected.present |= SEED_INPUT_TSC;
	for (; s->expected.counter < end; s->expected.counter++) {
		uint8_t seed[SEED_SIZE];

		seed_mix(&s->expected, seed);
		if (!memcmp(s->node.seed, seed, sizeof(seed)))
			return;
	}
	fail_msg("not the counter that was read before and after");
}

static void test_rdrand(void **state)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND)) {
		print_message("no RDRAND here: NOT tested\n");
		skip();
	}
	assert_differs_each_time(*state, SEED_INPUT_RDRAND, "seed mixed with RDRAND");
}

static void test_rdseed(void **state)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_RDSEED)) {
		print_message("no RDSEED here: NOT tested\n");
		skip();
	}
	assert_differs_each_time(*state, SEED_INPUT_RDSEED | SEED_INPUT_TSC,
				 "seed mixed with RDSEED, TSC");
}

/* Flags that are not of instructions are ignored. */
static void test_flags_that_are_no_instruction(void **state)
{
	struct scene *s = *state;

	s->params.mix_inputs = SEED_INPUT_GENERATION_ID | 0xfffffff0;
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
}

static unsigned int asked, fails_before, words_in_all;

static bool draw(uint64_t *word)
{
	*word = ++asked;
	if (asked % (fails_before + 1))
		return false;
	return words_in_all && words_in_all--;
}

static void take(unsigned int failures, unsigned int words, unsigned int tries,
		 uint8_t source, struct seed_inputs *in)
{
	asked = 0;
	fails_before = failures;
	words_in_all = words;
	mix_take_words(draw, tries, source, in);
}

static void assert_taken(unsigned int failures, unsigned int words, unsigned int tries,
			 uint32_t want, unsigned int draws)
{
	struct seed_inputs in = { 0 };

	take(failures, words, tries, SEED_INPUT_RDRAND, &in);
	assert_int_equal(in.nr_words, want);
	assert_int_equal(in.present, want ? SEED_INPUT_RDRAND : 0);
	assert_int_equal(asked, draws);
	for (uint64_t i = 0; i < want; i++)
		assert_int_equal(in.words[i], (i + 1) * (failures + 1));
}

static void test_take_words(void **state)
{
	(void)state;
	assert_taken(0, 100, 10, SEED_HW_WORDS, SEED_HW_WORDS);
	/* each word comes with the last try */
	assert_taken(9, 100, 10, SEED_HW_WORDS, 10 * SEED_HW_WORDS);
	/* each word would need one try more */
	assert_taken(10, 100, 10, 0, 10);
	/* a generator that runs dry */
	assert_taken(0, 3, 10, 3, 13);
	assert_taken(0, 0, 100, 0, 100);
}

/* A single 64-bit word could be guessed: the second source fills up the rest. */
static void test_the_second_source_fills_up(void **state)
{
	static const uint64_t want[SEED_HW_WORDS] = { 1, 2, 3, 1, 2, 3, 4, 5 };
	struct seed_inputs in = { 0 };

	(void)state;
	take(0, 3, 10, SEED_INPUT_RDSEED, &in);
	assert_int_equal(in.present, SEED_INPUT_RDSEED);
	take(0, 100, 10, SEED_INPUT_RDRAND, &in);
	assert_int_equal(in.present, SEED_INPUT_RDSEED | SEED_INPUT_RDRAND);
	assert_int_equal(in.nr_words, SEED_HW_WORDS);
	assert_memory_equal(in.words, want, sizeof(want));
	assert_int_equal(asked, 5);

	/* With nothing missing it is neither used nor reported. */
	in.present = SEED_INPUT_RDSEED;
	take(0, 100, 10, SEED_INPUT_RDRAND, &in);
	assert_int_equal(in.present, SEED_INPUT_RDSEED);
	assert_int_equal(asked, 0);
}

static unsigned int good_words;

static bool get_stuck(uint64_t *word)
{
	asked++;
	*word = good_words ? good_words-- : UINT64_MAX;
	return true;
}

/* Generators have been seen stuck at all ones after a suspend. */
static void test_a_stuck_source_does_not_count(void **state)
{
	struct seed_inputs in = { 0 };

	(void)state;
	for (unsigned int good = 0; good + 2 <= SEED_HW_WORDS; good++) {
		asked = 0;
		good_words = good;
		mix_take_words(get_stuck, 10, SEED_INPUT_RDSEED, &in);
		assert_int_equal(in.nr_words, 0);
		assert_int_equal(in.present, 0);
		assert_int_equal(asked, good + 2);
	}
	take(0, 1, 10, SEED_INPUT_RDSEED, &in);
	mix_take_words(get_stuck, 10, SEED_INPUT_RDRAND, &in);
	assert_int_equal(in.nr_words, 1);
	assert_int_equal(in.present, SEED_INPUT_RDSEED);
	assert_int_equal(in.words[0], 1);
}

static void test_no_traces(void **state)
{
	struct scene *s = *state;
	struct vector_registers regs;
	struct traces traces = { 0 };

	/* The words of the base seed, at any offset in a block. */
	for (size_t i = 0; i < SEED_SIZE - 3; i++) {
		memcpy(&traces.words[i], s->expected.base + i, 4);
		traces.wanted[i] = true;
	}
	mix_seed(&s->params, true);
	traces_take_registers(&regs);
	traces_take_stack();
	assert_int_equal(traces_on_stack(&traces), 0);
	assert_int_equal(traces_in_registers(&traces, &regs), 0);
}

#define MEMORY_SIZE (2 * DIGEST_CHUNK + 5)

static uint8_t kernel_memory[2][MEMORY_SIZE + 2];

/* Both ranges with a byte before and behind that do not count; mapped as one. */
static void map_kernel_memory(struct scene *s, size_t first, size_t second)
{
	const size_t sizes[] = { first, second };
	uint8_t parts[2][SHA256_SIZE];

	for (size_t i = 0; i < 2; i++) {
		uint8_t *data = kernel_memory[i] + 1;

		for (size_t k = 0; k < sizeof(kernel_memory[i]); k++)
			kernel_memory[i][k] = (uint8_t)(k * k >> 3 ^ i);
		s->params.kernel_memory[i] =
			(struct purgatory_map){ (uintptr_t)data,
						(uintptr_t)data + sizes[i] };
		digest_range(DIGEST_PORTABLE, data, sizes[i], parts[i]);
	}
	s->params.nr_maps = 1;
	s->params.maps[0] = (struct purgatory_map){
		(uintptr_t)kernel_memory, (uintptr_t)kernel_memory + sizeof(kernel_memory)
	};
	s->expected.present = SEED_INPUT_KERNEL_MEMORY;
	sha256(parts, sizeof(parts), s->expected.kernel_memory);
}

static void test_kernel_memory(void **state)
{
	static const size_t sizes[][2] = {
		{ MEMORY_SIZE, 100 }, { 0, 1 }, { 1, 0 }, { 4096, MEMORY_SIZE }
	};
	struct scene *s = *state;

	FOR_EACH_IMPL(impl)
	{
		for (size_t i = 0; i < COUNT(sizes); i++) {
			start(s);
			s->params.digest_impl = impl;
			map_kernel_memory(s, sizes[i][0], sizes[i][1]);
			mix_seed(&s->params, true);
			assert_seed_is_as_expected(s);
			assert_string_equal(said, "seed mixed with kernel memory");
		}
	}
}

/* Nothing answers at its address. */
static void test_generation_id_that_is_not_there(void **state)
{
	struct scene *s = *state;

	start(s);
	map_generation_id(s);
	exception = 0x25;
	failing_tries = 1;
	mix_seed(&s->params, true);
	assert_string_equal(said, "seed not mixed: no entropy source enabled");
	assert_surroundings(s);
}

/* Absent: nothing to read, reversed ranges, the old tables, or memory that is bad. */
static void test_no_kernel_memory(void **state)
{
	struct scene *s = *state;

	for (int why = 0; why < 4; why++) {
		start(s);
		map_kernel_memory(s, why ? 100 : 0, why ? 100 : 0);
		if (why == 1)
			for (int i = 0; i < PURGATORY_MAX_MEMORY; i++)
				s->params.kernel_memory[i].start =
					s->params.kernel_memory[i].end + 1;
		if (why == 3)
			exception = 18, failing_tries = 9;
		s->expected.present = 0;
		mix_seed(&s->params, why != 2);
		assert_seed_is_as_expected(s);
	}
}

/* With SHA instructions that the CPU has no longer: by portable code. */
static void test_kernel_memory_on_a_lesser_cpu(void **state)
{
	struct scene *s = *state;

	start(s);
	map_kernel_memory(s, 100, 100);
	s->params.digest_impl = DIGEST_CPU_SHA;
	exception = 6;
	failing_tries = 1;
	mix_seed(&s->params, true);
	assert_seed_is_as_expected(s);
}

/* On a CPU without the instructions the other inputs count. */
static void test_lesser_cpu(void **state)
{
	struct scene *s = *state;

	start(s);
	s->params.mix_inputs = SEED_INPUT_RDSEED | SEED_INPUT_RDRAND | SEED_INPUT_TSC;
	exception = 6;
	failing_tries = 2;
	mix_seed(&s->params, true);
	assert_string_equal(said, "seed mixed with TSC");
	assert_surroundings(s);
}

int main(void)
{
#define MIX_TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		MIX_TEST(test_no_node),
		MIX_TEST(test_not_a_seed),
		MIX_TEST(test_no_inputs),
		MIX_TEST(test_silence),
		MIX_TEST(test_generation_id),
		MIX_TEST(test_generation_id_that_is_not_there),
		MIX_TEST(test_generation_id_in_the_low_memory),
		MIX_TEST(test_generation_id_and_the_old_tables),
		MIX_TEST(test_generation_id_out_of_the_map),
		MIX_TEST(test_generation_id_map_too_short),
		MIX_TEST(test_generation_id_and_the_number_of_maps),
		MIX_TEST(test_tsc),
		MIX_TEST(test_the_value_of_tsc),
		MIX_TEST(test_rdrand),
		MIX_TEST(test_rdseed),
		MIX_TEST(test_flags_that_are_no_instruction),
		cmocka_unit_test(test_take_words),
		cmocka_unit_test(test_the_second_source_fills_up),
		cmocka_unit_test(test_a_stuck_source_does_not_count),
		MIX_TEST(test_kernel_memory),
		MIX_TEST(test_no_kernel_memory),
		MIX_TEST(test_kernel_memory_on_a_lesser_cpu),
		MIX_TEST(test_lesser_cpu),
		MIX_TEST(test_no_traces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
