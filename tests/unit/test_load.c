// SPDX-License-Identifier: GPL-2.0-only
/* A load from request to system call, on machines that do not tell everything. */
#include "check.h"
#include "fake_kernel.h"
#include "tree.h"

#include "load/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct {
	struct tree tree;
	char kernel[80];
	struct load_request request;
	struct load_io io;
	struct error err;
	long call; /* the last of the two system calls; 0: none */
	unsigned int calls;
	char cmdline[256];   /* of kexec_file_load() */
	const char *release; /* of the running kernel */
} t;

int uname(struct utsname *u)
{
	*u = (struct utsname){ .sysname = "Linux" };
	snprintf(u->release, sizeof(u->release), "%s", t.release);
	return 0;
}

/* These two replace libc's. The running kernel tells nothing and allows everything. */
int open(const char *path, int flags, ...)
{
	static const char *const hidden[] = { "/proc/", "/sys/", "/dev/" };

	for (size_t i = 0; i < COUNT(hidden); i++)
		if (!strncmp(path, hidden[i], strlen(hidden[i]))) {
			errno = ENOENT;
			return -1;
		}
	return openat(AT_FDCWD, path, flags);
}

long syscall(long number, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long args[5];
	va_list more;

	va_start(more, number);
	for (size_t i = 0; i < 5; i++)
		args[i] = va_arg(more, long);
	va_end(more);
	if (number != SYS_kexec_load && number != SYS_kexec_file_load)
		return real(number, args[0], args[1], args[2], args[3], args[4]);
	t.call = number;
	t.calls++;
	if (number ==
	    SYS_kexec_file_load) /* the line and its length come behind the files */
		snprintf(t.cmdline, sizeof(t.cmdline), "%s",
			 (const char *)(uintptr_t)args[3]);
	return 0;
}

/* A folder of a captured machine. */
static void take(const char *machine, const char *folder)
{
	char from[512], to[128];

	snprintf(from, sizeof(from), "%s/%s/%s", MACHINES, machine, folder);
	snprintf(to, sizeof(to), "%s/%s", t.tree.root, folder);
	assert_int_equal(symlink(from, to), 0);
}

static int setup(void **state)
{
	struct fake_kernel kernel;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.release = "6.0.0";
	tree_make(&t.tree);
	fake_kernel(&kernel);
	tree_put_bytes(&t.tree, "kernel", kernel.file, FAKE_SIZE);
	snprintf(t.kernel, sizeof(t.kernel), "%s/kernel", t.tree.root);
	t.io.progress_fd = -1;
	t.request = (struct load_request){ .kernel = t.kernel,
					   .cmdline = "quiet",
					   .root = t.tree.root };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	notes_free(&t.io.notes);
	tree_remove(&t.tree, "");
	return 0;
}

static int load(enum kexec_method method)
{
	notes_free(&t.io.notes);
	t.calls = 0;
	t.call = 0;
	t.request.method = method;
	t.request.dry_run = false;
	return load_run(&t.request, &t.io, &t.err);
}

/* What a dry run prints, in @text; its status. It must not load. */
static int dry_run(enum kexec_method method, char *text, size_t size)
{
	int saved = dup(STDOUT_FILENO), fd = memfd_create("output", MFD_CLOEXEC), ret;
	ssize_t n;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	notes_free(&t.io.notes);
	t.calls = 0;
	t.request.method = method;
	t.request.dry_run = true;
	ret = load_dry_run(&t.request, false, false, &t.io, &t.err);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	n = pread(fd, text, size - 1, 0);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(t.calls, 0);
	return ret;
}

/* A dry run with @method has a first line that begins with @want. */
static void assert_says(enum kexec_method method, const char *want)
{
	char text[8192], whole[256];

	snprintf(whole, sizeof(whole), "method       %s", want);
	assert_int_equal(dry_run(method, text, sizeof(text)), 0);
	if (strncmp(text, whole, strlen(whole)) != 0)
		fail_msg("'%s' does not begin with '%s'", text, whole);
	if (strstr(want, "kexec_file_load:") &&
	    (strstr(text, "purgatory") || strstr(text, "seed mix") ||
	     strstr(text, "RNG_SEED")))
		fail_msg("kexec_file_load with a plan: %s", text);
}

/* The default method goes over to kexec_file_load(), with a note; -c says the same. */
static void assert_goes_over(const char *why)
{
	char note[256], text[64];

	snprintf(note, sizeof(note), "using kexec_file_load: %s", why);
	assert_int_equal(load(METHOD_AUTO), 0);
	assert_int_equal(t.calls, 1);
	assert_int_equal(t.call, SYS_kexec_file_load);
	assert_int_equal(t.io.notes.count, 1);
	if (strncmp(t.io.notes.lines[0], note, strlen(note)) != 0)
		fail_msg("'%s' does not begin with '%s'", t.io.notes.lines[0], note);
	snprintf(note, sizeof(note), "kexec_file_load: %s", why);
	assert_says(METHOD_AUTO, note);
	assert_int_equal(t.io.notes.count, 1); /* the same as of the load */

	assert_true(dry_run(METHOD_LOAD, text, sizeof(text)) < 0);
	assert_string_equal(text, "");
	if (strncmp(t.err.text, why, strlen(why)) != 0)
		fail_msg("'%s' does not begin with '%s'", t.err.text, why);
	assert_true(load(METHOD_LOAD) < 0);
	assert_int_equal(t.calls, 0);
	if (strncmp(t.err.text, why, strlen(why)) != 0)
		fail_msg("'%s' does not begin with '%s'", t.err.text, why);

	assert_int_equal(load(METHOD_FILE), 0);
	assert_int_equal(t.call, SYS_kexec_file_load);
	assert_int_equal(t.io.notes.count, 0);
	assert_says(METHOD_FILE, "kexec_file_load: -s was given\nseed         drawn by");
	assert_int_equal(t.io.notes.count, 0);
}

static void test_all_is_known(void **state)
{
	(void)state;
	take("bios-1g", "proc");
	take("bios-1g", "sys");
	assert_int_equal(load(METHOD_AUTO), 0);
	assert_int_equal(t.call, SYS_kexec_load);
	assert_int_equal(t.io.notes.count, 0);
	assert_says(METHOD_AUTO, "kexec_load: the default\nseed         32 bytes, mixed ");
	assert_says(METHOD_LOAD,
		    "kexec_load: -c was given\nseed         32 bytes, mixed ");
	t.request.mix_off = true;
	assert_says(METHOD_AUTO,
		    "kexec_load: the default\nseed         32 bytes, not mix");
	t.request.seed = SEED_OFF;
	assert_says(METHOD_AUTO,
		    "kexec_load: --seed=off needs it\nseed         none: --s");
	t.request.entry_32bit = true;
	assert_says(METHOD_LOAD, "kexec_load: --entry-32bit needs it\n");
}

/* The kernel would refuse kexec_load(): the call is not even made. */
static void test_locked_down(void **state)
{
	(void)state;
	take("bios-1g", "proc");
	tree_put(&t.tree, "sys/firmware/empty", "");
	tree_put(&t.tree, "sys/kernel/security/lockdown",
		 "none [integrity] confidential\n");
	take("bios-1g", "sys/firmware/memmap");
	take("bios-1g", "sys/kernel/boot_params");
	assert_goes_over("the kernel is locked down (integrity), as under Secure Boot, ");
	/* with --seed=off the kernel must not draw one */
	t.request.seed = SEED_OFF;
	assert_int_equal(load(METHOD_AUTO), -EPERM);
	tree_put(&t.tree, "sys/kernel/security/lockdown", "[none] integrity\n");
	t.request.seed = SEED_AUTO;
	assert_says(METHOD_AUTO, "kexec_load: the default\n");
}

/* Where a load would fail, so does a dry run, with the same line. */
static void test_all_is_refused(void **state)
{
	static const struct {
		const char *file, *text, *line;
		enum kexec_target target;
	} cases[] = {
		{ "proc/sys/kernel/kexec_load_disabled", "1\n",
		  "kexec is switched off until ", KEXEC_TARGET_NORMAL },
		{ "proc/sys/kernel/kexec_load_limit_reboot", "0\n",
		  "no more loads are allowed until ", KEXEC_TARGET_NORMAL },
		{ "proc/sys/kernel/kexec_load_limit_panic", "0\n",
		  "no more loads are allowed until ", KEXEC_TARGET_CRASH },
		{ "sys/kernel/kexec_crash_size", "0\n",
		  "no memory is reserved for a crash ", KEXEC_TARGET_CRASH },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		t.request.target = cases[i].target;
		tree_put(&t.tree, cases[i].file, cases[i].text);
		for (int method = METHOD_AUTO; method <= METHOD_FILE; method++) {
			char text[64], first[sizeof(t.err.text)];
			int ret = dry_run(method, text, sizeof(text));

			assert_string_equal(text, "");
			memcpy(first, t.err.text, sizeof(first));
			assert_int_equal(load(method), ret);
			assert_string_equal(t.err.text, first);
			assert_ptr_equal(strstr(first, cases[i].line), first);
		}
		tree_put(&t.tree, cases[i].file, "-1\n");
	}
}

/* Notes about what is allowed and probably a mistake. */
static void test_doubts(void **state)
{
	char archive[100], rubbish[100], both[210];

	(void)state;
	take("bios-1g", "proc");
	take("bios-1g", "sys");
	t.request.cmdline = NULL;
	assert_int_equal(load(METHOD_AUTO), 0);
	assert_int_equal(t.io.notes.count, 1);
	assert_non_null(strstr(t.io.notes.lines[0], "the command line is empty"));
	t.request.cmdline = "quiet";
	t.request.initrd = t.kernel;
	assert_int_equal(load(METHOD_FILE), 0);
	assert_int_equal(t.io.notes.count, 1);
	assert_non_null(strstr(t.io.notes.lines[0],
			       "/kernel is a kernel (bzImage), given as the initrd"));
	tree_put(&t.tree, "archive", "070701 and so on");
	tree_put(&t.tree, "rubbish", "rubbish");
	snprintf(archive, sizeof(archive), "%s/archive", t.tree.root);
	snprintf(rubbish, sizeof(rubbish), "%s/rubbish", t.tree.root);
	snprintf(both, sizeof(both), "%s\n%s", archive, rubbish);
	t.request.initrd = archive;
	assert_int_equal(load(METHOD_AUTO), 0);
	assert_int_equal(t.io.notes.count, 0);
	t.request.initrd = both;
	assert_int_equal(load(METHOD_AUTO), 0);
	assert_int_equal(t.io.notes.count, 1);
	assert_non_null(
		strstr(t.io.notes.lines[0], "/rubbish is no archive and no initrd"));
}

static void test_nothing_is_known(void **state)
{
	(void)state;
	assert_goes_over("no memory map: ");
	/* with --seed=off the kernel must not draw one */
	t.request.seed = SEED_OFF;
	assert_int_equal(load(METHOD_AUTO), -ENOENT);
	assert_int_equal(t.calls, 0);
}

/* A container, or a minimal initramfs: the next kernel would have no ACPI. */
static void test_efi_masked(void **state)
{
	static const char why[] =
		"/sys/firmware/efi: No such file or directory, although "
		"this machine was booted through EFI: the next kernel "
		"would not find EFI";

	(void)state;
	take("efi-1g", "proc");
	tree_put(&t.tree, "sys/firmware/empty", "");
	tree_put(&t.tree, "sys/kernel/empty", "");
	take("efi-1g", "sys/kernel/boot_params");
	assert_goes_over(why);
	/* EFI is not wanted, but where are the ACPI tables? */
	t.request.noefi = true;
	assert_goes_over(why);
	t.request.noefi = false;
	take("efi-1g", "sys/firmware/efi");
	assert_int_equal(load(METHOD_AUTO), 0);
	assert_int_equal(t.call, SYS_kexec_load);
}

/* Without /sys nobody knows whether the machine has EFI. */
static void test_no_sys(void **state)
{
	(void)state;
	take("bios-1g", "proc");
	assert_goes_over("/sys/kernel/boot_params/data is missing");
}

/* The running kernel takes this command line as it is. */
static void test_memory_devices(void **state)
{
	struct load l;

	(void)state;
	tree_put(&t.tree, "sys/bus/acpi/devices/PNP0C80:00/hid", "PNP0C80\n");
	t.request.method = METHOD_FILE;
	t.request.cmdline = "quiet";
	for (int target = KEXEC_TARGET_NORMAL; target <= KEXEC_TARGET_CRASH; target++) {
		t.request.target = target;
		assert_int_equal(load_prepare(&l, &t.request, &t.io, &t.err), 0);
		assert_string_equal(l.cmdline, target == KEXEC_TARGET_CRASH
						       ? "acpi_no_memhotplug quiet"
						       : "quiet");
		load_end(&l);
	}
	tree_readdir_fails(0);
	assert_int_equal(load_prepare(&l, &t.request, &t.io, &t.err), -EIO);
	load_end(&l);
	tree_readdir_fails(-1);
}

/* Whole words only, and only the kernel's: others say nothing. */
static void test_memory_devices_words(void **state)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{ "acpi_no_memhotplug", "acpi_no_memhotplug" },
		{ "a acpi-no-memhotplug", "a acpi-no-memhotplug" },
		{ "my.acpi_no_memhotplug", "acpi_no_memhotplug my.acpi_no_memhotplug" },
		{ "acpi_no_memhotplugged", "acpi_no_memhotplug acpi_no_memhotplugged" },
		{ "x=\"a acpi_no_memhotplug\"",
		  "acpi_no_memhotplug x=\"a acpi_no_memhotplug\"" },
		{ "-- acpi_no_memhotplug", "acpi_no_memhotplug -- acpi_no_memhotplug" },
		{ "memhp_default_state=offline", "memhp_default_state=offline" },
	};
	struct load l;

	(void)state;
	tree_put(&t.tree, "sys/bus/acpi/devices/PNP0C80:00/hid", "PNP0C80\n");
	t.request.method = METHOD_FILE;
	t.request.target = KEXEC_TARGET_CRASH;
	for (size_t i = 0; i < COUNT(cases); i++) {
		t.request.cmdline = cases[i].given;
		assert_int_equal(load_prepare(&l, &t.request, &t.io, &t.err), 0);
		assert_string_equal(l.cmdline, cases[i].want);
		load_end(&l);
	}
}

/* Kernels before 6.0 pass no seed with kexec_file_load(). */
static void test_kernel_without_seeds(void **state)
{
	(void)state;
	t.release = "5.19.17-generic";
	assert_int_equal(load(METHOD_FILE), 0);
	assert_int_equal(t.io.notes.count, 1);
	assert_string_equal(t.io.notes.lines[0],
			    "loading without a seed: Linux 5.19 passes none with "
			    "kexec_file_load (6.0 and later do); with kexec_load (-c) "
			    "kexec does");
	assert_string_equal(t.cmdline, "quiet");
	t.request.seed = SEED_REQUIRE;
	assert_int_equal(load(METHOD_FILE), -EOPNOTSUPP);
	assert_int_equal(t.calls, 0);
	t.release = "6.0.0";
	assert_int_equal(load(METHOD_FILE), 0);
	t.release = "no number"; /* as good as the newest */
	assert_int_equal(load(METHOD_FILE), 0);
	assert_int_equal(t.io.notes.count, 0);
}

/* Loads a crash kernel with kexec_file_load(), and compares the command line. */
static void assert_crash_cmdline(const char *release, const char *own, const char *want)
{
	const struct recipe_dir none = RECIPE_DIR_NONE;
	struct recipe recipe = { .request = t.request };

	notes_free(&t.io.notes);
	t.calls = 0;
	t.release = release;
	recipe.request.method = METHOD_FILE;
	recipe.request.target = KEXEC_TARGET_CRASH;
	recipe.request.cmdline = own;
	load_again(&none, &recipe, "test", NULL, &t.io, &t.err);
	assert_int_equal(t.calls, 1);
	assert_string_equal(t.cmdline, want);
}

/* Nor must their crash kernels take an old or empty table of EFI for a seed. */
static void test_crash_kernel_without_seed(void **state)
{
	static const char off[] = "random.trust_bootloader=off";

	(void)state;
	assert_crash_cmdline("5.10.0", NULL, off);
	assert_crash_cmdline("5.10.0", "a b", "random.trust_bootloader=off a b");
	assert_crash_cmdline("5.10.0", "-- random.trust_bootloader=on",
			     "random.trust_bootloader=off -- random.trust_bootloader=on");
	assert_crash_cmdline("5.10.0", "random.trust-bootloader=on",
			     "random.trust-bootloader=on");
	assert_crash_cmdline("6.1.0", "a b", "a b");
}

/* Facts that make no sense are as good as none. */
static void test_nonsense(void **state)
{
	char why[128];

	(void)state;
	tree_put(&t.tree, "proc/iomem", "rubbish\n");
	snprintf(why, sizeof(why), "%s/proc/iomem: line 1 ", t.tree.root);
	assert_goes_over(why);
}

/* Trouble of this process is no property of the machine. */
static void test_trouble(void **state)
{
	(void)state;
	take("bios-1g", "proc");
	tree_put_memmap(&t.tree, 0, 0, 0x9fbff, "System RAM");
	tree_readdir_fails(0);
	assert_int_equal(load(METHOD_AUTO), -EIO);
	assert_int_equal(t.calls, 0);
	tree_readdir_fails(-1);
}

/* --reuse-cmdline needs nothing else. */
static void test_reuse_cmdline(void **state)
{
	(void)state;
	t.request.reuse_cmdline = true;
	assert_int_equal(load(METHOD_AUTO), -ENOENT);
	assert_string_equal(t.err.text, "--reuse-cmdline: cannot read /proc/cmdline");
	tree_put(&t.tree, "proc/cmdline", "quiet\n");
	assert_goes_over("no memory map: ");
}

int main(void)
{
#define LOAD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LOAD_TEST(test_all_is_known),
		LOAD_TEST(test_nothing_is_known),
		LOAD_TEST(test_efi_masked),
		LOAD_TEST(test_no_sys),
		LOAD_TEST(test_nonsense),
		LOAD_TEST(test_trouble),
		LOAD_TEST(test_memory_devices),
		LOAD_TEST(test_reuse_cmdline),
		LOAD_TEST(test_locked_down),
		LOAD_TEST(test_all_is_refused),
		LOAD_TEST(test_doubts),
		LOAD_TEST(test_memory_devices_words),
		LOAD_TEST(test_kernel_without_seeds),
		LOAD_TEST(test_crash_kernel_without_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
