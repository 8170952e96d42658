// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/library.h"
#include "image/format.h"
#include "load/kexec_load.h"
#include "load/load.h"
#include "load/reboot.h"
#include "machine/kexec_sysfs.h"
#include "options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

/* Documented in kexec(8), exit status. */
#define EXIT_DONE    0
#define EXIT_FAILED  1
#define EXIT_USAGE   2
#define EXIT_UNKNOWN 255 /* -S, if the kernel does not report it */

static int fail(const struct error *err, int status)
{
	fprintf(stderr, "kexec: %s\n", err->text);
	if (status == EXIT_USAGE)
		fprintf(stderr, "Try 'kexec --help'.\n");
	return status;
}

static void print_note(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "kexec: %s\n", line);
}

static int print_version(struct error *err)
{
	char list[IMAGE_LIST_SIZE], packages[LIBRARY_LIST_SIZE];

	if (library_list_missing(packages, sizeof(packages), err))
		return -ENOMEM;
	image_list_formats(list, sizeof(list), true);
	printf("%s\nfor %s\nopens %s\n", PACKAGE_STRING, arch_name, list);
	image_list_missing(list, sizeof(list));
	if (*list)
		printf("built without %s\n", list);
	if (*packages)
		printf("not installed: %s\n", packages);
	return 0;
}

static int print_crash_size(struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct machine m = { 0 };
	const char *name;
	size_t size;
	int ret = machine_read("", &m, err);

	if (!ret && m.iomem.count) {
		printf("%llu\n", (unsigned long long)range_size(m.crash));
	} else if (!kexec_sysfs_read("", KEXEC_SYSFS_CRASH_SIZE, &name, &text, &size)) {
		/*
		 * readable by everyone; Linux 6.5 and later include the low part of
		 * SIZE,high
		 */
		fputs(text, stdout);
		ret = 0;
	} else if (!ret) {
		ret = error_set(err, EACCES,
				"/proc/iomem hides its addresses (to root it does not)");
	}
	machine_free(&m);
	return ret;
}

static int load(const struct options *o, struct error *err)
{
	struct load_io io = { .progress_fd = STDERR_FILENO,
			      .details = o->request.debug ? stderr : NULL };
	int ret = o->request.dry_run
			  ? load_dry_run(&o->request, o->json, o->boot_data, &io, err)
			  : load_run(&o->request, &io, err);

	notes_each(&io.notes, print_note, NULL);
	notes_free(&io.notes);
	return ret;
}

/* Leaves the running kernel as requested: shutdown; or sync, interfaces down, jump. */
static int leave(const struct options *o, struct error *err)
{
	int loaded = kexec_is_loaded(KEXEC_TARGET_NORMAL, err);

	if (loaded == 0) /* if unknown (negative), the jump reports it */
		return error_set(err, ENOENT, "no kernel is loaded: use kexec -l first");
	if (o->shutdown)
		return run_shutdown(err);
	if (o->sync)
		sync();
	if (o->ifdown)
		network_down();
	return reboot_kexec(err);
}

static int run(const struct options *o, struct error *err)
{
	int ret = 0;

	if (o->reset_vga) /* no reason to load nothing */
		print_note(
			NULL,
			"--reset-vga has no effect: a card that shows graphics has lost "
			"its fonts, which a reset of its registers does not restore");
	if (o->help)
		options_print_help(stdout);
	if (o->version)
		ret = print_version(err);
	if (!ret && o->crash_size)
		ret = print_crash_size(err);
	if (!ret && o->unload)
		ret = load_unload(o->request.target, err);
	if (!ret && o->load)
		ret = load(o, err);
	if (!ret && !o->request.dry_run && (o->shutdown || o->exec))
		ret = leave(o, err);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o;
	struct error err;
	int ret;

	file_keep_standard();
	/* over ulimit -f, write(2) must fail so that the error is reported */
	signal(SIGXFSZ, SIG_IGN);
	ret = options_parse(argc, argv, &o, &err);
	if (ret) /* refused options are not usage errors */
		return fail(&err, ret == -EINVAL ? EXIT_USAGE : EXIT_FAILED);
	if (o.status) { /* as kexec-tools: 1 if something is loaded, 0 if not */
		options_free(&o);
		ret = kexec_is_loaded(o.request.target, &err);
		return ret < 0 ? fail(&err, EXIT_UNKNOWN) : ret;
	}
	ret = run(&o, &err);
	options_free(&o);
	if (!ret && (fflush(stdout) || ferror(stdout)))
		ret = error_set(&err, errno, "cannot write: %s", errno_text(errno));
	return ret ? fail(&err, EXIT_FAILED) : EXIT_DONE;
}
