/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - options of `kexec-seed daemon`, from its command line and
 * kexec-seed.conf(5). Each key of the file is also a long option; the command line wins.
 */
#ifndef KS_DAEMON_OPTIONS_H
#define KS_DAEMON_OPTIONS_H

#include "error.h"
#include "kexec_seed/sources/table.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define DAEMON_CONF "/etc/kexec-seed.conf"

struct daemon_options {
	bool help;
	struct source_options source;
	uint32_t every;		 /* seconds between periodic refreshes; 0: none */
	uint32_t window_ms;	 /* see ratelimit.h */
	char **reload;		 /* reload command, NULL-terminated, owned; NULL: none */
	uint32_t reload_timeout; /* seconds */
	const char *conf;	 /* path of the configuration file; borrowed from argv */
	const char *run;	 /* directory of the daemon's state */
	int argc;		 /* the command line, parsed again on reload; borrowed */
	char **argv;
};

/*
 * Reads the configuration file and the command line. @argv[0] is the subcommand's name;
 * @argv must outlive @out. 0, or a negative errno with the line and nothing to free;
 * -EINVAL is wrong usage.
 */
int daemon_options_parse(int argc, char **argv, struct daemon_options *out,
			 struct error *err);

/*
 * Sets @key as a line of the configuration file would; @options is a struct
 * daemon_options. A conf_set function.
 */
int daemon_options_set(void *options, const char *key, const char *value,
		       struct error *err);

void daemon_options_free(struct daemon_options *o);

/* Prints each option with a short description, for --help. */
void daemon_options_print(FILE *to);

#endif
