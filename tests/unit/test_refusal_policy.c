// SPDX-License-Identifier: GPL-2.0-only
/* Where loads are limited: policies that refuse kexec_load(2), foreseen, or told afterwards. */
#include "check.h"

#include "load/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT	"/proc/sys/kernel/kexec_load_limit_panic"
#define REBOOT	"/proc/sys/kernel/kexec_load_limit_reboot"
#define POLICY	"/sys/kernel/security/ima/policy"
#define CMDLINE "/proc/cmdline"
#define LOADPIN "/proc/sys/kernel/loadpin/enforce"
#define LOCKED	"/sys/kernel/security/lockdown"

/* The files that there are; NULL: missing. */
static struct {
	const char *path, *text;
} files[] = { { LIMIT, NULL },	 { REBOOT, NULL },  { POLICY, NULL },
	      { CMDLINE, NULL }, { LOADPIN, NULL }, { LOCKED, NULL } };

static void put(const char *path, const char *text)
{
	for (size_t i = 0; i < COUNT(files); i++)
		if (!strcmp(files[i].path, path))
			files[i].text = text;
}

/* Replaces libc's. */
int open(const char *path, int flags, ...)
{
	int fd;

	for (size_t i = 0; i < COUNT(files); i++) {
		if (strcmp(path, files[i].path) != 0)
			continue;
		errno = ENOENT;
		if (!files[i].text)
			return -1;
		fd = memfd_create("test", MFD_CLOEXEC);
		assert_int_equal(write(fd, files[i].text, strlen(files[i].text)),
				 strlen(files[i].text));
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		return fd;
	}
	return openat(AT_FDCWD, path, flags);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		files[i].text = NULL;
	put(LIMIT, "1\n");
	put(CMDLINE, "quiet\n");
	return 0;
}

static const char *foreseen(enum kexec_target target)
{
	static struct error err;

	err = (struct error){ "" };
	if (!refusal_foresee_policy("", target, &err))
		return "";
	return err.text;
}

static void test_ima(void **state)
{
	(void)state;
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH), "");
	put(POLICY, "measure func=KEXEC_KERNEL_CHECK\n"
		    "appraise func=MODULE_CHECK appraise_type=imasig\n"
		    "dont_appraise func=KEXEC_KERNEL_CHECK\n");
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH), "");
	put(POLICY, "appraise func=MODULE_CHECK\n"
		    "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n");
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH),
			    "the security module IMA takes kernels as files only, "
			    "through kexec_file_load (-s)");
	put(CMDLINE, "quiet ima_appraise=log\n");
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH), "");
	put(CMDLINE, NULL);
	assert_string_not_equal(foreseen(KEXEC_TARGET_CRASH), "");
}

static void test_loadpin(void **state)
{
	(void)state;
	put(LOADPIN, "0\n");
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH), "");
	put(LOADPIN, "1\n");
	assert_non_null(strstr(foreseen(KEXEC_TARGET_CRASH), "LoadPin"));
}

/* Without a limit a call in vain costs nothing. */
static void test_limits(void **state)
{
	(void)state;
	put(LOADPIN, "1\n");
	put(LIMIT, "-1\n");
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH), "");
	assert_string_equal(foreseen(KEXEC_TARGET_NORMAL), "");
	put(REBOOT, "3\n");
	assert_string_not_equal(foreseen(KEXEC_TARGET_NORMAL), "");
	put(LIMIT, NULL); /* before Linux 6.3 */
	assert_string_equal(foreseen(KEXEC_TARGET_CRASH), "");
}

static void test_spent(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, EPERM, "refused");
	assert_int_equal(refusal_tell_spent("", KEXEC_TARGET_CRASH, -EPERM, &err), 0);
	assert_string_equal(err.text, "refused");
	put(LIMIT, "0\n");
	assert_int_equal(refusal_tell_spent("", KEXEC_TARGET_CRASH, -EPERM, &err),
			 -EPERM);
	assert_string_equal(err.text,
			    "refused; that was the last load that "
			    "kernel.kexec_load_limit_panic allows: boot again and use "
			    "kexec_file_load (-s)");
}

/* EINVAL means the signature only where the kernel asks for one. */
static void test_invalid(void **state)
{
	static const struct {
		const char *locked;
		int code;
		enum kexec_call call;
		bool signature;
	} cases[] = {
		{ "none [integrity] confidentiality\n", EINVAL, KEXEC_CALL_FILE_LOAD,
		  true },
		{ "none [integrity] confidentiality\n", EINVAL, KEXEC_CALL_LOAD, false },
		{ "none [integrity] confidentiality\n", EIO, KEXEC_CALL_FILE_LOAD,
		  false },
		{ "[none] integrity confidentiality\n", EINVAL, KEXEC_CALL_FILE_LOAD,
		  false },
		{ "none integrity\n", EINVAL, KEXEC_CALL_FILE_LOAD, false },
		{ NULL, EINVAL, KEXEC_CALL_FILE_LOAD, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = { "" };
		bool again = true;

		put(LOCKED, cases[i].locked);
		assert_int_equal(refusal_explain(cases[i].code, cases[i].call,
						 KEXEC_TARGET_CRASH, &again, &err),
				 -cases[i].code);
		assert_false(again);
		if (!!strstr(err.text, "locked down (integrity)") != cases[i].signature)
			fail_msg("case %zu: %s", i, err.text);
		if (!strstr(err.text, "kexec_") && !cases[i].signature)
			fail_msg("case %zu names no call: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ima, setup),
		cmocka_unit_test_setup(test_loadpin, setup),
		cmocka_unit_test_setup(test_limits, setup),
		cmocka_unit_test_setup(test_spent, setup),
		cmocka_unit_test_setup(test_invalid, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
