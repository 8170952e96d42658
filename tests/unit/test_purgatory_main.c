// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of the purgatory's steps, and what it does about damage and exceptions. Each step is
 * a word in a line; the tests say which steps fail.
 */
#include "purgatory/purgatory.h"

#include "check.h"
#include "sha256_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char steps[512];
static jmp_buf ended;
static bool good_params, good_ranges, good_ranges_by_cpu, own_map, verbose;
static int exception;	   /* of the next arch_try() that... */
static const char *trying; /* ...runs after this step */
static enum digest_impl impl;

static void step(const char *fmt, ...)
{
	size_t used = strlen(steps);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(steps + used, sizeof(steps) - used, fmt, ap);
	va_end(ap);
	strncat(steps, "; ", sizeof(steps) - strlen(steps) - 1);
}

void exceptions_init(void)
{
	step("exceptions");
}

void console_init(const struct purgatory_params *params)
{
	(void)params;
	step("console");
}

bool console_is_verbose(void)
{
	return verbose;
}

void say(const char *fmt, ...)
{
	char line[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	step("say %s", line);
}

int arch_try(void (*run)(void *context), void *context)
{
	if (trying && strstr(steps, trying)) {
		trying = NULL;
		return exception;
	}
	run(context);
	return -1;
}

bool arch_map_memory(const struct purgatory_params *params)
{
	(void)params;
	step("map");
	return own_map;
}

struct arch_vectors arch_vectors_on(void)
{
	step("vectors on");
	return (struct arch_vectors){ 0 };
}

void arch_vectors_off(struct arch_vectors before)
{
	(void)before;
	step("off");
}

void sha256_cpu_wipe(void)
{
	step("wiped");
}

bool verify_params(const struct purgatory_params *params, const char *consequence)
{
	(void)params;
	step("parameters, else %s", consequence);
	return good_params;
}

bool verify_ranges(const struct purgatory_params *params, enum digest_impl way,
		   const char *consequence)
{
	(void)params;
	step("ranges%s, else %s", way == DIGEST_CPU_SHA ? " by CPU" : "", consequence);
	return way == DIGEST_CPU_SHA ? good_ranges_by_cpu : good_ranges;
}

void mix_seed(const struct purgatory_params *params, bool map)
{
	(void)params;
	step("mix%s", map ? " with memory" : "");
}

void machine_reset(void)
{
	step("reset");
	longjmp(ended, 1);
}

void machine_halt(void)
{
	step("halt");
	longjmp(ended, 1);
}

static int start(void **state)
{
	(void)state;
	good_params = good_ranges = good_ranges_by_cpu = true;
	own_map = true;
	verbose = false;
	trying = NULL;
	impl = DIGEST_PORTABLE;
	return 0;
}

/* Runs it and compares its steps with @want. */
static void expect(uint32_t on_corruption, const char *want)
{
	struct purgatory_params params = { .on_corruption = on_corruption,
					   .digest_impl = impl,
					   .kernel_entry = 0x1234,
					   .boot_data = 0x5678 };
	struct purgatory_jump jump = { 0 };

	steps[0] = '\0';
	if (!setjmp(ended)) {
		jump = purgatory_main(&params);
		assert_int_equal(jump.entry, 0x1234);
		assert_int_equal(jump.boot_data, 0x5678);
	}
	assert_string_equal(steps, want);
}

#define BEGIN "exceptions; console; parameters, else "
#define RESET "resetting the machine; "
#define HALT  "stopping the processor; "
#define BOOT  "starting the kernel all the same; "

static void test_good(void **state)
{
	(void)state;
	expect(PURGATORY_RESET,
	       BEGIN RESET "map; ranges, else " RESET "mix with memory; ");
	expect(PURGATORY_HALT, BEGIN HALT "map; ranges, else " HALT "mix with memory; ");
	expect(PURGATORY_BOOT, BEGIN RESET "map; ranges, else " BOOT "mix with memory; ");
	expect(PURGATORY_BOOT + 1,
	       BEGIN RESET "map; ranges, else " RESET "mix with memory; ");
	own_map = false;
	verbose = true;
	expect(PURGATORY_RESET,
	       BEGIN RESET "map; ranges, else " RESET "mix; say jumping to the kernel at "
			   "0x1234; ");
}

static void test_damage(void **state)
{
	(void)state;
	good_ranges = false;
	expect(PURGATORY_RESET, BEGIN RESET "map; ranges, else " RESET "reset; ");
	expect(PURGATORY_HALT, BEGIN HALT "map; ranges, else " HALT "halt; ");
	expect(PURGATORY_BOOT, BEGIN RESET "map; ranges, else " BOOT "mix with memory; ");
	good_params = false;
	expect(PURGATORY_RESET, BEGIN RESET "reset; ");
	expect(PURGATORY_HALT, BEGIN HALT "halt; ");
	expect(PURGATORY_BOOT, BEGIN RESET "reset; ");
}

static void test_by_cpu(void **state)
{
	(void)state;
	impl = DIGEST_CPU_SHA;
	good_ranges = false;
	expect(PURGATORY_RESET, BEGIN RESET "map; vectors on; ranges by CPU, else " RESET
					    "off; mix with memory; ");
	good_ranges_by_cpu = false;
	good_ranges = true;
	expect(PURGATORY_RESET,
	       BEGIN RESET "map; vectors on; ranges by CPU, else " RESET "off; reset; ");
}

/* An exception costs the CPU's SHA instructions or the mixing, not the kernel. */
static void test_exceptions(void **state)
{
	char want[400];

	(void)state;
	impl = DIGEST_CPU_SHA;
	good_ranges_by_cpu = false;
	for (exception = 0; exception <= 6; exception += 6) {
		trying = "vectors on";
		snprintf(want, sizeof(want),
			 BEGIN RESET "map; vectors on; wiped; off; say exception %d, "
				     "verifying without " ARCH_CPU_SHA_NAME
				     "; ranges, else " RESET "mix with memory; ",
			 exception);
		expect(PURGATORY_RESET, want);
		trying = "ranges";
		impl = DIGEST_PORTABLE;
		snprintf(want, sizeof(want),
			 BEGIN RESET "map; ranges, else " RESET
				     "say exception %d, the seed is not mixed; ",
			 exception);
		expect(PURGATORY_RESET, want);
		impl = DIGEST_CPU_SHA;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, start),
		cmocka_unit_test_setup(test_damage, start),
		cmocka_unit_test_setup(test_by_cpu, start),
		cmocka_unit_test_setup(test_exceptions, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
