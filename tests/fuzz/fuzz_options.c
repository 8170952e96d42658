// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any lines as the arguments of kexec(8), and of `kexec-seed daemon`.
 */
#include "kexec_seed/daemon_options.h"
#include "machine/text.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX  32
#define NO_CONFIG "--config=/dev/null" /* argv[1]: the daemon's */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* One argument for each line; the number of them. argv ends with NULL, as main()'s. */
static int split(struct bytes text, char *argv[ARGS_MAX + 1])
{
	struct bytes line;
	int argc = 0;

	argv[argc++] = strdup("program");
	argv[argc++] = strdup(NO_CONFIG);
	while (argc < ARGS_MAX && text_cut(&text, '\n', &line))
		argv[argc++] = strndup((const char *)line.data, line.size);
	for (int i = 0; i < argc; i++)
		require(argv[i]);
	argv[argc] = NULL;
	return argc;
}

static void check_load(const struct options *o)
{
	require(o->kernel && o->seed <= SEED_OFF && o->on_corruption <= 2);
	require(!(o->initrd && o->reuse_initrd));
	require(o->method != METHOD_FILE || (o->seed != SEED_OFF && !o->entry_32bit));
}

static void check(const struct options *o)
{
	require(o->seed_timeout <= 3600 && o->serial_port <= 0xffff);
	require(!o->serial_baud || 115200 % o->serial_baud == 0);
	require(o->type <= IMAGE_UKI && o->method <= METHOD_FILE);
	if (o->help || o->version || o->status || o->crash_size)
		return;
	require(!o->json || o->dry_run || o->unload);
	if (o->load)
		check_load(o);
}

static void feed_kexec(int argc, char **args)
{
	char *argv[ARGS_MAX + 1]; /* getopt puts those without a dash last */
	struct error err = { "" };
	struct options o = { 0 };
	int ret;

	argv[0] = args[0];
	memcpy(argv + 1, args + 2, (size_t)(argc - 1) * sizeof(*argv));
	ret = options_parse(argc - 1, argv, &o, &err);

	if (!ret)
		check(&o);
	else
		require((ret == -EINVAL || ret == -ENOTSUP) && err.text[0]);
}

/* No file of this machine is to be read: another --config, or what is short for it. */
static bool names_a_file(char **argv)
{
	for (char **arg = argv + 2; *arg; arg++)
		if (!strncmp(*arg, "--c", 3))
			return true;
	return false;
}

static void feed_daemon(int argc, char **argv)
{
	struct error err = { "" };
	struct daemon_options o;
	int ret = daemon_options_parse(argc, argv, &o, &err);

	require(!ret || err.text[0]);
	require(ret || (!(o.sources & ~SOURCE_ALL) && !(o.vmgenid_addr % 8)));
	if (!ret)
		daemon_options_free(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[ARGS_MAX + 1];
	int argc = split((struct bytes){ data, size }, argv);

	feed_kexec(argc, argv);
	if (!names_a_file(argv))
		feed_daemon(argc, argv);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return 0;
}
