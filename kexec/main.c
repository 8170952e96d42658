// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "base/file.h"
#include "image/formats.h"
#include "load/kexec_load.h"
#include "options.h"
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* docs: exit status in kexec(8) */
#define EXIT_DONE    0
#define EXIT_FAILED  1
#define EXIT_USAGE   2
#define EXIT_UNKNOWN 255 /* -S, when the kernel does not tell */

static int fail(const struct error *err, int status)
{
	fprintf(stderr, "kexec: %s\n", err->text);
	if (status == EXIT_USAGE)
		fprintf(stderr, "Try 'kexec --help'.\n");
	return status;
}

static void print_version(void)
{
	printf("%s\nopens %s\n", PACKAGE_STRING, image_formats());
	if (image_formats_missing())
		printf("built without %s\n", image_formats_missing());
}

static int run(const struct options *o, struct error *err)
{
	int ret = 0;

	if (o->help)
		options_print_help(stdout);
	if (o->version)
		print_version();
	if (o->crash_size)
		ret = run_print_crash_size(err);
	if (o->unload)
		ret = run_unload(o, err);
	if (!ret && o->load)
		ret = run_load(o, err);
	if (!ret && !o->dry_run && (o->shutdown || o->exec))
		ret = run_leave(o, err);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o;
	struct error err;
	int ret;

	file_keep_standard();
	/* with ulimit -f: write(2) is to fail, and its error to be told */
	signal(SIGXFSZ, SIG_IGN);
	ret = options_parse(argc, argv, &o, &err);
	if (ret) /* an option that is refused is spelt well */
		return fail(&err, ret == -ENOTSUP ? EXIT_FAILED : EXIT_USAGE);
	if (o.status) { /* kexec-tools' answer: 1 when something is loaded, 0 when not */
		ret = kexec_is_loaded(o.target, &err);
		return ret < 0 ? fail(&err, EXIT_UNKNOWN) : ret;
	}
	ret = run(&o, &err);
	if (!ret && fflush(stdout))
		ret = error_set(&err, errno, "cannot write: %s", strerror(errno));
	return ret ? fail(&err, EXIT_FAILED) : EXIT_DONE;
}
