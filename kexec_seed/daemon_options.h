/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon_options.h - what `kexec-seed daemon` was told, on its command line and in
 * kexec-seed.conf(5). Every key of the file is a long option too, and the command line
 * has the last word.
 */
#ifndef KS_DAEMON_OPTIONS_H
#define KS_DAEMON_OPTIONS_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define DAEMON_CONF "/etc/kexec-seed.conf"

/* The ways to learn of a VM fork; see source.h. */
#define SOURCE_UEVENT  (1u << 0)
#define SOURCE_KMSG    (1u << 1)
#define SOURCE_VMCLOCK (1u << 2)
#define SOURCE_GENID   (1u << 3)
#define SOURCE_ALL     (SOURCE_UEVENT | SOURCE_KMSG | SOURCE_VMCLOCK | SOURCE_GENID)

struct daemon_options {
	bool help;
	unsigned int sources;	 /* SOURCE_* that may be used */
	uint32_t every;		 /* seconds between refreshes without a reason; 0: none */
	uint32_t window_ms;	 /* see pace.h */
	uint32_t poll_ms;	 /* between two looks at what has to be polled */
	char **reload;		 /* a command, NULL at its end; owned; or NULL: none */
	uint32_t reload_timeout; /* seconds */
	uint64_t vmgenid_addr;	 /* physical; 0: from the ACPI tables */
	const char *conf;	 /* the configuration file; borrowed from argv */
	const char *root;	 /* of /dev, /proc and /sys: "", but for tests */
	const char *run;	 /* the folder of the daemon's state */
	int argc;		 /* where all this is from, to read it again; borrowed */
	char **argv;
};

/*
 * Reads configuration and command line; @argv[0] is the subcommand's name, and @argv has
 * to outlive @out. 0, or a negative errno with the line; then nothing is left to free.
 * -EINVAL is wrong usage.
 */
int daemon_options_parse(int argc, char **argv, struct daemon_options *out,
			 struct error *err);

/* Sets @key as a line of the configuration file does; @options is daemon_options. */
int daemon_options_set(void *options, const char *key, const char *value,
		       struct error *err);

void daemon_options_free(struct daemon_options *o);

/* Each option with a word on it, for --help. */
void daemon_options_print(FILE *to);

#endif
