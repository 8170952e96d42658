// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any lines as the arguments of kexec(8), and of `kexec-seed daemon`.
 */
#include "base/text.h"
#include "image/format.h"
#include "kexec_seed/daemon/options.h"
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

/* Makes each line an argument; returns argc. argv ends with NULL, as in main(). */
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

static void check_load(const struct load_request *r)
{
	require(r->kernel && r->seed <= SEED_OFF && r->on_corruption <= 2);
	require(!(r->initrd && r->reuse_initrd));
	require(r->method != METHOD_FILE || (r->seed != SEED_OFF && !r->entry_32bit));
}

static void check(const struct options *o)
{
	const struct load_request *r = &o->request;

	require(r->seed_timeout <= 3600 && r->serial_port <= 0xffff);
	require(!r->serial_baud || 115200 % r->serial_baud == 0);
	require(!r->format || (r->format->type && !r->format->refusal));
	require(r->method <= METHOD_FILE);
	if (o->help || o->version || o->status || o->crash_size)
		return;
	require(!o->json || r->dry_run || o->unload);
	if (o->load)
		check_load(r);
}

static void feed_kexec(int argc, char **args)
{
	char *argv[ARGS_MAX + 1]; /* getopt moves operands to the end */
	struct error err = { "" };
	struct options o = { 0 };
	int ret;

	argv[0] = args[0];
	memcpy(argv + 1, args + 2, (size_t)(argc - 1) * sizeof(*argv));
	ret = options_parse(argc - 1, argv, &o, &err);

	if (!ret) {
		check(&o);
		options_free(&o);
	} else {
		require((ret == -EINVAL || ret == -ENOTSUP) && err.text[0]);
	}
}

/* True for another --config, abbreviated or not: no file of this machine may be read. */
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
	require(ret ||
		(!(o.source.enabled & ~SOURCE_ALL) && !(o.source.vmgenid_addr % 8)));
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
