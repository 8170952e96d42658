// SPDX-License-Identifier: GPL-2.0-only
/* What --debug says in front of the plan. */
#include "check.h"

#include "describe.h"

#include <stdlib.h>
#include <string.h>

static char byte;

static void check(const struct job *job, enum kexec_method method, bool seed,
		  const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	describe_load(to, job, method, seed);
	fclose(to);
	assert_string_equal(text, want);
	free(text);
}

static void test_describe(void **state)
{
	struct options o = { .target = KEXEC_TARGET_NORMAL };
	struct job job = {
		.o = &o,
		.kernel = { .path = (char[]){ "/boot/k" },
			    .mapping = &byte,
			    .bytes = { (uint8_t *)&byte, 3000 } },
		.initrd = FILE_NONE,
		.image.type = IMAGE_UKI,
		.cmdline = (char[]){ "a b" },
	};

	(void)state;
	check(&job, METHOD_LOAD, true,
	      "kernel       /boot/k, 3 KiB, UKI\n"
	      "initrd       none\n"
	      "loading      as the next kernel, with kexec_load()\n"
	      "seed         32 bytes, made unique before the jump\n"
	      "digests      checked before the jump\n");
	job.initrd = job.kernel;
	job.image.type = IMAGE_BZIMAGE;
	o.target = KEXEC_TARGET_CRASH;
	check(&job, METHOD_FILE, true,
	      "kernel       /boot/k, 3 KiB, bzImage\n"
	      "initrd       /boot/k, 3 KiB\n"
	      "loading      as the crash kernel, with kexec_file_load()\n"
	      "seed         drawn by the kernel\n"
	      "command line a b\n");
	o.no_checks = o.mix_off = true;
	check(&job, METHOD_LOAD, true,
	      "kernel       /boot/k, 3 KiB, bzImage\n"
	      "initrd       /boot/k, 3 KiB\n"
	      "loading      as the crash kernel, with kexec_load()\n"
	      "seed         32 bytes\n"
	      "digests      not checked\n");
}

static void test_without_seed(void **state)
{
	static const char *const why[] = {
		"seed         none, the random number generator is not ready\n",
		"seed         none, because of --seed=off\n",
	};
	struct options o = { .seed = SEED_AUTO };
	struct job job = { .o = &o, .kernel = FILE_NONE, .initrd = FILE_NONE };

	(void)state;
	for (int off = 0; off < 2; off++) {
		char want[512];

		o.seed = off ? SEED_OFF : SEED_AUTO;
		job.image.type = IMAGE_BZIMAGE;
		snprintf(want, sizeof(want),
			 "kernel       none, bzImage\ninitrd       none\n"
			 "loading      as the next kernel, with kexec_load()\n%s"
			 "digests      checked before the jump\n",
			 why[off]);
		check(&job, METHOD_LOAD, false, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_without_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
