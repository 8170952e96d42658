// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include "arch/arch.h"
#include "base/option_next.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rejects contradictory or incomplete options of a load. */
static int check_load(const struct options *o, struct error *err)
{
	const struct load_request *r = &o->request;

	if (!r->kernel)
		return error_set(err, EINVAL, "no kernel given");
	if (r->initrd && r->reuse_initrd)
		return error_set(err, EINVAL,
				 "--initrd and --reuseinitrd exclude each other");
	if (!request_is_crash(r) && (r->hotplug || r->memmap_cmdline))
		return error_set(err, EINVAL, "%s goes with -p",
				 r->hotplug ? "--hotplug" : "--pass-memmap-cmdline");
	if (r->dtb && (request_is_crash(r) || r->method == METHOD_FILE))
		return error_set(err, EINVAL,
				 "--dtb goes with -l and kexec_load: leave %s out",
				 request_is_crash(r) ? "-p" : "-s");
	if (r->method == METHOD_FILE && (r->memmap_cmdline || r->entry_32bit))
		return error_set(err, EINVAL, "%s needs kexec_load: leave -s out",
				 r->memmap_cmdline ? "--pass-memmap-cmdline"
						   : "--entry-32bit");
	if (o->boot_data && r->method == METHOD_FILE)
		return error_set(err, EINVAL,
				 "--dry-run=boot-data needs kexec_load: with -s the "
				 "kernel makes the boot data");
	if (r->method == METHOD_FILE && r->seed == SEED_OFF)
		return error_set(err, EINVAL,
				 "--seed=off needs kexec_load: with -s the kernel draws "
				 "the seed");
	return 0;
}

static int check(const struct options *o, struct error *err)
{
	const struct load_request *r = &o->request;

	if (o->status)
		return 0;
	if (r->dry_run && (!o->load || o->unload))
		return error_set(err, EINVAL, "--dry-run goes with a kernel to load");
	if (o->unload && !o->load)
		return 0;
	if (!o->load && r->kernel)
		return error_set(err, EINVAL, "%s: -e takes no kernel", r->kernel);
	if (o->json && !r->dry_run)
		return error_set(err, EINVAL, "--json goes with --dry-run");
	if (*r->root && !r->dry_run)
		return error_set(err, EINVAL, "--facts goes with --dry-run");
	return o->load ? check_load(o, err) : 0;
}

/* Input of getopt_long(3), generated from the option table. */
struct getopt_tables {
	struct option rows[OPTIONS_MAX];
	char letters[2 * OPTIONS_MAX + 2];
};

static void make_tables(struct getopt_tables *t)
{
	char *letter = t->letters;

	*t = (struct getopt_tables){ 0 };
	*letter++ = ':';
	for (int i = 0; option_table[i].name; i++) {
		const struct option_row *row = &option_table[i];

		t->rows[i] = (struct option){ row->name, row->has_value, NULL,
					      OPTION_FIRST + i };
		if (row->letter)
			*letter++ = row->letter;
		if (row->letter && row->has_value == required_argument)
			*letter++ = ':';
	}
}

static const struct option_row *find_row(int opt)
{
	const struct option_row *row = option_table;

	if (opt >= OPTION_FIRST)
		return &option_table[opt - OPTION_FIRST];
	while (row->letter != opt)
		row++;
	return row;
}

/* Resolves options that depend on each other, after all are parsed. */
static void settle(struct options *o)
{
	struct load_request *r = &o->request;

	o->sync = o->sync && !o->no_sync;
	o->ifdown = o->ifdown && !o->no_ifdown;
	if (o->status && !o->normal) /* kexec-tools -S reports on the crash kernel */
		r->target = KEXEC_TARGET_CRASH;
	if (o->unload && !r->kernel) /* -u -p means the same as -p -u */
		o->load = false;
	if (r->entry_32bit && r->method == METHOD_AUTO) /* kexec_file_load cannot do it */
		r->method = METHOD_LOAD;
}

static int take_kernel(int argc, char **argv, struct options *o, struct error *err)
{
	for (; optind < argc; optind++) {
		if (!*argv[optind]) /* scripts may pass an empty argument */
			continue;
		if (o->request.kernel)
			return error_set(err, EINVAL,
					 "%s: one kernel is enough (a command line with "
					 "blanks needs quotes)",
					 argv[optind]);
		o->request.kernel = argv[optind];
	}
	return 0;
}

/* Parses all options. 1: an option such as --help was answered and ended parsing. */
static int take_options(int argc, char **argv, struct options *o, struct error *err)
{
	struct getopt_tables t;
	int option, ret = 0;

	make_tables(&t);
	optind = 0; /* glibc: restart parsing */
	while (!ret && (option = option_next(argc, argv, t.letters, t.rows, err))) {
		const struct option_row *row = option > 0 ? find_row(option) : NULL;

		if (!row)
			return option;
		if (row->refusal && !(row->set && arch_takes_dtb))
			return error_set(err, ENOTSUP, "--%s: %s", row->name,
					 row->refusal);
		ret = row->set ? row->set(o, row, optarg, err) : 0;
	}
	return ret;
}

int options_parse(int argc, char **argv, struct options *out, struct error *err)
{
	struct options o = { .load = true,
			     .shutdown = true,
			     .sync = true,
			     .request = { .seed_timeout = 10, .root = "" } };
	int ret = take_options(argc, argv, &o, err);

	if (!ret) {
		ret = take_kernel(argc, argv, &o, err);
		settle(&o);
		ret = ret ? ret : check(&o, err);
	}
	if (ret < 0)
		options_free(&o);
	else
		*out = o;
	return ret < 0 ? ret : 0;
}

void options_free(struct options *o)
{
	free(o->initrds);
	free(o->appended);
	o->initrds = o->appended = NULL;
}
