// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last step of the purgatory on arm64 and riscv64: the seed goes into the device tree,
 * also if memory fails then. The next kernel credits all that it finds in rng-seed, so half
 * a seed is worse than none. The base seed never stays.
 */
#include "purgatory/purgatory.h"

#include "check.h"
#include "sha256.h"

#include <libfdt.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#define TREE_SIZE 1024

static alignas(8) uint8_t tree[TREE_SIZE];
static uint8_t base[SEED_SIZE];
static uint8_t cleaned[TREE_SIZE]; /* bytes of the tree that were */
static bool base_cleaned;
static char said[256];
static sigjmp_buf *trying;
/* Cleaning range number @first and the next ones, @count in all, faults. */
static unsigned int calls, first, count;

int arch_try(void (*run)(void *context), void *context)
{
	sigjmp_buf here, *outer = trying;

	trying = &here;
	if (sigsetjmp(here, 1)) {
		trying = outer;
		return 47; /* an SError */
	}
	run(context);
	trying = outer;
	return -1;
}

void clean_range(uint64_t addr, uint64_t size)
{
	uint8_t *from = (uint8_t *)(uintptr_t)addr;

	assert_non_null(trying);
	if (++calls >= first && calls - first < count)
		siglongjmp(*trying, 1);
	if (from == base)
		base_cleaned = size == SEED_SIZE;
	else
		memset(cleaned + (from - tree), 1, size);
}

void say(const char *fmt, ...)
{
	strncat(said, fmt, sizeof(said) - strlen(said) - 1);
}

static uint64_t offset_of(const char *name)
{
	const uint8_t *value =
		fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), name, NULL);

	return value ? (uint64_t)(value - tree) : 0;
}

static void make_tree(void)
{
	static const uint8_t zeroes[SEED_SIZE];

	memset(tree, 0, sizeof(tree));
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	fdt_finish_reservemap(tree);
	fdt_begin_node(tree, "");
	fdt_begin_node(tree, "chosen");
	fdt_property_string(tree, "bootargs", "quiet");
	fdt_property(tree, "kaslr-seed", zeroes, KASLR_SEED_SIZE);
	fdt_property(tree, "rng-seed", zeroes, SEED_SIZE);
	fdt_property_string(tree, "stdout-path", "serial0");
	fdt_end_node(tree);
	fdt_end_node(tree);
	assert_int_equal(fdt_finish(tree), 0);
}

static void pass_seed(const uint8_t *from)
{
	struct purgatory_params p = { .arch.base_seed = (uintptr_t)from };

	make_tree();
	p.arch.rng_seed = (uintptr_t)tree + offset_of("rng-seed");
	p.arch.kaslr_seed = (uintptr_t)tree + offset_of("kaslr-seed");
	*said = '\0';
	calls = 0;
	arch_pass_seed(&p);
	assert_null(trying);
}

/* Runs it with @faults, from the one of number @number on; 0 of them: none. */
static void run(unsigned int number, unsigned int faults)
{
	for (size_t i = 0; i < sizeof(base); i++)
		base[i] = (uint8_t)(0x40 + i);
	memset(cleaned, 0, sizeof(cleaned));
	base_cleaned = false;
	first = number;
	count = faults;
	pass_seed(base);
}

static bool is_zero(const uint8_t *data, size_t size)
{
	return !*data && !memcmp(data, data + 1, size - 1);
}

static void assert_passed(const char *name, const uint8_t *want, size_t size)
{
	uint64_t at = offset_of(name);

	assert_true(at);
	assert_memory_equal(tree + at, want, size);
	for (size_t i = 0; i < size; i++)
		assert_true(cleaned[at + i]);
}

/* True if the kernel gets a seed: then it is a whole one. */
static bool has_seed(void)
{
	uint8_t seed[SEED_SIZE], text[16 + SEED_SIZE] = "kexec-seed kaslr",
					   kaslr[SHA256_SIZE];

	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
	assert_true(offset_of("bootargs") && offset_of("stdout-path"));
	if (!offset_of("rng-seed"))
		return false;
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(0x40 + i);
	assert_passed("rng-seed", seed, sizeof(seed));
	memcpy(text + 16, seed, sizeof(seed));
	sha256(text, sizeof(text), kaslr);
	assert_passed("kaslr-seed", kaslr, KASLR_SEED_SIZE);
	return true;
}

static void test_passed(void **state)
{
	(void)state;
	run(0, 0);
	assert_true(has_seed());
	assert_true(is_zero(base, sizeof(base)) && base_cleaned);
	assert_string_equal(said, "");
}

/* Somebody else's SError, at any of its steps: nothing is lost. */
static void test_one_fault(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		run(i, 1);
		assert_true(has_seed());
		assert_true(is_zero(base, sizeof(base)) && base_cleaned);
		assert_string_equal(said, "");
	}
}

/* Memory of the tree fails: no seed, rather than one that anybody knows. */
static void test_tree_fails(void **state)
{
	(void)state;
	run(1, 2);
	assert_false(has_seed());
	assert_true(is_zero(base, sizeof(base)) && base_cleaned);
	assert_non_null(strstr(said, "the kernel gets no seed"));
}

static void fault(int signal)
{
	(void)signal;
	siglongjmp(*trying, 1);
}

/* The base seed cannot be read: the zeroes of the loader are no seed. */
static void test_seed_fails(void **state)
{
	const struct sigaction act = { .sa_handler = fault };
	struct sigaction old;
	uint8_t *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(sigaction(SIGSEGV, &act, &old), 0);
	count = 0;
	pass_seed(page);
	assert_int_equal(sigaction(SIGSEGV, &old, NULL), 0);
	munmap(page, 4096);
	assert_false(has_seed());
	assert_true(offset_of("kaslr-seed"));
	assert_true(is_zero(tree + offset_of("kaslr-seed"), KASLR_SEED_SIZE));
	assert_non_null(strstr(said, "the kernel gets no seed"));
}

/* All of it fails: what can be done without is done. */
static void test_all_fails(void **state)
{
	(void)state;
	run(1, 100);
	assert_false(has_seed());
	assert_true(is_zero(base, sizeof(base)));
	assert_non_null(strstr(said, "the kernel gets no seed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed),	   cmocka_unit_test(test_one_fault),
		cmocka_unit_test(test_tree_fails), cmocka_unit_test(test_seed_fails),
		cmocka_unit_test(test_all_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
