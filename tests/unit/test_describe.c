// SPDX-License-Identifier: GPL-2.0-only
/* The output of --dry-run and --debug before the plan. */
#include "check.h"

#include "load/describe.h"
#include "load/request.h"

#include <stdlib.h>
#include <string.h>

static char byte;

static const struct image_format uki = { .name = "UKI" }, bzimage = { .name = "bzImage" };

static void check(struct load *l, enum kexec_method method, bool ready, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	l->method = method;
	l->seed_ready = ready;
	load_describe(l, DESCRIBE_DETAILS, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text, want);
	assert_int_equal(l->io->notes.count, 0);
	free(text);
}

static void test_describe(void **state)
{
	struct load_request request = { .target = KEXEC_TARGET_NORMAL };
	struct load_io io = { .progress_fd = -1 };
	struct load l = {
		.request = &request,
		.io = &io,
		.kernel = { .path = (char[]){ "/boot/k" },
			    .mapping = &byte,
			    .bytes = { (uint8_t *)&byte, 3000 } },
		.initrd = FILE_NONE,
		.image.format = &uki,
		.cmdline = (char[]){ "a b" },
		.reason = { "why" },
	};

	(void)state;
	check(&l, METHOD_LOAD, true,
	      "method       kexec_load: why\n"
	      "seed         32 bytes, mixed at the jump: clones pass different "
	      "ones\n"
	      "loading      as the next kernel\n"
	      "kernel       /boot/k, 3 KiB, UKI\n"
	      "initrd       none\n"
	      "digests      checked before the jump\n");
	check(&l, METHOD_FILE, true,
	      "method       kexec_file_load: why\n"
	      "seed         drawn by the kernel; clones share it\n"
	      "loading      as the next kernel\n"
	      "kernel       /boot/k, 3 KiB, UKI\n"
	      "initrd       none\n"
	      "command line a b\n");
	l.initrd = l.kernel;
	l.image.format = &bzimage;
	request.target = KEXEC_TARGET_CRASH;
	check(&l, METHOD_FILE, true,
	      "method       kexec_file_load: why\n"
	      "seed         drawn by the kernel; clones share it until refreshed\n"
	      "loading      as the crash kernel\n"
	      "kernel       /boot/k, 3 KiB, bzImage\n"
	      "initrd       /boot/k, 3 KiB\n"
	      "command line a b\n");
	request.no_checks = request.mix_off = true;
	check(&l, METHOD_LOAD, true,
	      "method       kexec_load: why\n"
	      "seed         32 bytes, not mixed; clones share them until refreshed\n"
	      "loading      as the crash kernel\n"
	      "kernel       /boot/k, 3 KiB, bzImage\n"
	      "initrd       /boot/k, 3 KiB\n"
	      "digests      not checked\n");
}

static void test_generation_id(void **state)
{
	struct load_request request = { .seed = SEED_AUTO };
	struct load_io io = { .progress_fd = -1 };
	struct load l = { .request = &request,
			  .io = &io,
			  .kernel = FILE_NONE,
			  .initrd = FILE_NONE,
			  .image.format = &bzimage,
			  .generation_id = 0x12340,
			  .machine.vmgenid = { .from = "ADDR of VGEN",
					       .nr_words = 2,
					       .words = { { 0x10, 2, { 0xab, 0xcd } },
							  { 0x20, 1, { 7 } } } },
			  .reason = { "why" } };

	(void)state;
	for (int given = 0; given < 2; given++) {
		char want[512];

		request.vmgenid_given = given;
		snprintf(
			want, sizeof(want),
			"method       kexec_load: why\n"
			"seed         32 bytes, mixed at the jump: clones pass different ones\n"
			"loading      as the next kernel\n"
			"kernel       none, bzImage\ninitrd       none\n"
			"generation ID at 0x12340, %s\n"
			"memory read  0x10=abcd\nmemory read  0x20=07\n"
			"digests      checked before the jump\n",
			given ? "--vmgenid-addr=" : "ADDR of VGEN");
		check(&l, METHOD_LOAD, true, want);
	}
}

static void test_without_seed(void **state)
{
	static const char *const why[] = {
		"seed         none: no page for it\n",
		"seed         none: --seed=off\n",
	};
	struct load_request request = { .seed = SEED_AUTO };
	struct load_io io = { .progress_fd = -1 };
	struct load l = { .request = &request,
			  .io = &io,
			  .kernel = FILE_NONE,
			  .initrd = FILE_NONE,
			  .reason = { "why" } };

	(void)state;
	snprintf(l.no_seed.text, sizeof(l.no_seed.text), "none: no page for it");
	for (int off = 0; off < 2; off++) {
		char want[512];

		request.seed = off ? SEED_OFF : SEED_AUTO;
		l.image.format = &bzimage;
		snprintf(want, sizeof(want),
			 "method       kexec_load: why\n%s"
			 "loading      as the next kernel\n"
			 "kernel       none, bzImage\ninitrd       none\n"
			 "digests      checked before the jump\n",
			 why[off]);
		check(&l, METHOD_LOAD, false, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_without_seed),
		cmocka_unit_test(test_generation_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
