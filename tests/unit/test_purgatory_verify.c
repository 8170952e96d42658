// SPDX-License-Identifier: GPL-2.0-only
/*
 * The purgatory's reports of damage. Its physical addresses are this program's own, its
 * console is a string.
 */
#include "purgatory/purgatory.h"

#include "digest.h"
#include "sha256.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char said[4096];
static bool verbose;

void say(const char *fmt, ...)
{
	size_t used = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + used, sizeof(said) - used, fmt, ap);
	va_end(ap);
	strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

bool console_is_verbose(void)
{
	return verbose;
}

static uint8_t initrd[5000], kernel[64],
	large[(3 << 20) - sizeof(initrd) - sizeof(kernel)];

static void add_check(struct purgatory_params *p, uint32_t kind, const void *data,
		      uint64_t size)
{
	struct purgatory_check *check = &p->checks[p->nr_checks++];

	check->addr = (uintptr_t)data;
	check->size = size;
	check->kind = kind;
	digest_range(DIGEST_PORTABLE, data, size, check->digest);
}

static void sign(struct purgatory_params *p)
{
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
}

static int start(void **state)
{
	static struct purgatory_params params;

	memset(&params, 0, sizeof(params));
	memset(initrd, 'i', sizeof(initrd));
	memset(kernel, 'k', sizeof(kernel));
	add_check(&params, PURGATORY_KIND_KERNEL, kernel, sizeof(kernel));
	add_check(&params, PURGATORY_KIND_INITRD, initrd, sizeof(initrd));
	sign(&params);
	said[0] = '\0';
	verbose = false;
	*state = &params;
	return 0;
}

static void assert_said(const char *part)
{
	if (!strstr(said, part))
		fail_msg("\"%s\" is not in \"%s\"", part, said);
}

static void test_good(void **state)
{
	assert_true(verify_params(*state, "resetting"));
	assert_true(verify_ranges(*state, DIGEST_PORTABLE, "resetting"));
	assert_string_equal(said, "");
}

static void test_progress(void **state)
{
	verbose = true;
	assert_true(verify_ranges(*state, DIGEST_PORTABLE, "resetting"));
	assert_string_equal(said, "verifying 2 ranges, 0 MiB\nok\n");

	add_check(*state, PURGATORY_KIND_KERNEL, large, sizeof(large));
	said[0] = '\0';
	assert_true(verify_ranges(*state, DIGEST_PORTABLE, "resetting"));
	assert_string_equal(said, "verifying 3 ranges, 3 MiB\nok\n");
	((struct purgatory_params *)*state)->checks[2].size--;
	said[0] = '\0';
	assert_false(verify_ranges(*state, DIGEST_PORTABLE, "resetting"));
	assert_said("verifying 3 ranges, 2 MiB\n");
}

static void test_every_damage_is_reported(void **state)
{
	char line[200];

	initrd[4999] ^= 1;
	kernel[0] ^= 0x80;
	assert_false(verify_ranges(*state, DIGEST_PORTABLE, "resetting"));
	snprintf(line, sizeof(line),
		 "initrd at 0x%lx (5000 bytes) is damaged, resetting\n",
		 (unsigned long)(uintptr_t)initrd);
	assert_said(line);
	snprintf(line, sizeof(line), "kernel at 0x%lx (64 bytes) is damaged, resetting\n",
		 (unsigned long)(uintptr_t)kernel);
	assert_said(line);
}

static void test_digests_are_shown(void **state)
{
	struct purgatory_params *p = *state;

	p->nr_checks = 0;
	add_check(p, PURGATORY_KIND_SEED, "abc", 3);
	p->checks[0].digest[0] = 0x01;
	assert_false(verify_ranges(p, DIGEST_PORTABLE, "resetting"));
	assert_said(
		"  its digest starts with 4f8b42c22dd3729b instead of 018b42c22dd3729b\n");
}

static void test_last_byte_of_a_digest(void **state)
{
	struct purgatory_params *p = *state;

	p->checks[1].digest[31] ^= 1;
	assert_false(verify_ranges(p, DIGEST_PORTABLE, "resetting"));
	assert_said("initrd");
}

static void test_kinds(void **state)
{
	static const struct {
		uint32_t kind;
		const char *line;
	} kinds[] = {
		{ PURGATORY_KIND_PURGATORY, "purgatory at 0x" },
		{ PURGATORY_KIND_BOOT_DATA, "boot_params at 0x" },
		{ PURGATORY_KIND_SEED, "seed at 0x" },
		{ PURGATORY_KIND_KERNEL, "kernel at 0x" },
		{ PURGATORY_KIND_INITRD, "initrd at 0x" },
		{ PURGATORY_KIND_ELFCOREHDR, "elfcorehdr at 0x" },
		{ PURGATORY_KIND_IMAGE_ID, "image ID at 0x" },
		{ PURGATORY_KIND_IMAGE_ID + 1, "range at 0x" },
		{ UINT32_MAX, "range at 0x" },
	};
	struct purgatory_params *p = *state;

	kernel[5] ^= 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		p->checks[0].kind = kinds[i].kind;
		said[0] = '\0';
		assert_false(verify_ranges(p, DIGEST_PORTABLE, "resetting"));
		assert_ptr_equal(strstr(said, kinds[i].line), said);
	}
}

static void test_a_range_that_wraps(void **state)
{
	struct purgatory_params *p = *state;

	p->checks[0].size = UINT64_MAX;
	verbose = true;
	assert_false(verify_ranges(p, DIGEST_PORTABLE, "resetting"));
	assert_said("verifying 2 ranges, 17592186044415 MiB\n"); /* the maximum */
	assert_said("(18446744073709551615 bytes) is no range of memory, resetting\n");
	assert_null(strstr(said, "ok"));
}

static void test_nothing_to_check(void **state)
{
	struct purgatory_params *p = *state;

	p->nr_checks = 0;
	memset(p->self_sha256, 0, sizeof(p->self_sha256));
	assert_true(verify_params(p, "resetting"));
	assert_true(verify_ranges(p, DIGEST_PORTABLE, "resetting"));
	assert_string_equal(said, "");
}

static void test_every_byte_of_the_block_counts(void **state)
{
	struct purgatory_params *p = *state;
	uint8_t *bytes = *state;

	for (size_t i = 0; i < offsetof(struct purgatory_params, self_sha256); i++) {
		bytes[i] ^= 4;
		said[0] = '\0';
		assert_false(verify_params(p, "resetting"));
		assert_said("the parameter block at 0x");
		assert_said("is damaged");
		bytes[i] ^= 4;
	}
	assert_true(verify_params(p, "resetting"));
	p->kernel_entry ^= 1;
	assert_false(verify_params(p, "resetting"));
	assert_said("is damaged, resetting\n  its digest starts with ");
	p->kernel_entry ^= 1;
}

/* Without a digest only the numbers can be checked. */
static void test_impossible_numbers(void **state)
{
	struct purgatory_params *p = *state;

	memset(p->self_sha256, 0, sizeof(p->self_sha256));
	p->nr_checks = PURGATORY_MAX_CHECKS + 1;
	assert_false(verify_params(p, "resetting"));
	p->nr_checks = PURGATORY_MAX_CHECKS;
	assert_true(verify_params(p, "resetting"));
	p->nr_maps = PURGATORY_MAX_MAPS + 1;
	assert_false(verify_params(p, "resetting"));
	p->nr_maps = PURGATORY_MAX_MAPS;
	assert_true(verify_params(p, "resetting"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, start),
		cmocka_unit_test_setup(test_progress, start),
		cmocka_unit_test_setup(test_every_damage_is_reported, start),
		cmocka_unit_test_setup(test_digests_are_shown, start),
		cmocka_unit_test_setup(test_last_byte_of_a_digest, start),
		cmocka_unit_test_setup(test_kinds, start),
		cmocka_unit_test_setup(test_a_range_that_wraps, start),
		cmocka_unit_test_setup(test_nothing_to_check, start),
		cmocka_unit_test_setup(test_every_byte_of_the_block_counts, start),
		cmocka_unit_test_setup(test_impossible_numbers, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
