/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - what the user of kexec(8) asks for.
 */
#ifndef KS_OPTIONS_H
#define KS_OPTIONS_H

#include "error.h"
#include "image/image.h"
#include "load/kexec_load.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum kexec_method {
	METHOD_AUTO, /* kexec_load, and kexec_file_load when the kernel refuses that */
	METHOD_LOAD,
	METHOD_FILE,
};

enum seed_policy {
	SEED_AUTO,    /* wait for the generator, then go without */
	SEED_REQUIRE, /* no seed, no load */
	SEED_OFF,
};

/* The strings point into argv. */
struct options {
	/* what to do; the last of -l, -e, -u, -f decides, as with kexec-tools */
	bool load;
	bool unload;
	bool exec;
	bool shutdown;
	bool sync;
	bool ifdown;
	bool status;
	bool crash_size; /* --print-ckr-size */
	bool help;
	bool version;
	enum kexec_target target;

	const char *kernel;
	const char *initrd;
	const char *append;
	bool reuse_cmdline;
	bool reuse_initrd;
	enum image_type type; /* -t: IMAGE_ANY unless given */
	bool entry_32bit;     /* --entry-32bit */

	enum kexec_method method;
	uint64_t mem_min;
	uint64_t mem_max; /* exclusive; 0: no limit */
	bool noefi;
	bool no_cma;	     /* kexec_file_load() shall leave the CMA area alone */
	bool hotplug;	     /* -p: the kernel keeps the ELF core headers up to date */
	bool memmap_cmdline; /* -p: --pass-memmap-cmdline */
	bool no_checks;
	uint32_t on_corruption; /* PURGATORY_RESET ... */
	enum seed_policy seed;
	bool mix_off; /* --seed-mix=off: hand the bytes of getrandom() over as they are */
	bool vmgenid_given; /* --vmgenid-addr= */
	uint64_t vmgenid_addr;
	unsigned int seed_timeout; /* seconds */

	bool console_vga;
	bool console_serial;
	uint32_t serial_port; /* 0: not given */
	uint32_t serial_baud; /* 0: not given */

	bool dry_run;
	bool json;
	bool debug;
	const char *facts_root; /* for --dry-run: another machine's /proc and /sys */
};

/*
 * 0; -EINVAL with what is wrong (the caller exits with 2); -ENOTSUP when an option of
 * kexec-tools is refused, with the reason.
 */
int options_parse(int argc, char **argv, struct options *out, struct error *err);

void options_print_help(FILE *to);

#endif
