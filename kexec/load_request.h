/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load_request.h - what to load and how, as plain values.
 *
 * The command line is parsed into a load request. The plan and the purgatory's parameters
 * take their values from it, and the recipe stores it for a full reload.
 */
#ifndef KS_LOAD_REQUEST_H
#define KS_LOAD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct image_format;

enum kexec_target {
	KEXEC_TARGET_NORMAL,
	KEXEC_TARGET_CRASH,
};

enum kexec_method {
	METHOD_AUTO, /* kexec_load; falls back to kexec_file_load if refused */
	METHOD_LOAD,
	METHOD_FILE,
};

enum seed_policy {
	SEED_AUTO,    /* wait for the RNG; on timeout load without a seed */
	SEED_REQUIRE, /* fail without a seed */
	SEED_OFF,
};

/* The strings are borrowed from argv or from a recipe. */
struct load_request {
	enum kexec_target target;
	enum kexec_method method;

	const char *kernel;
	const char *initrd;  /* one name a line, in order; NULL: none */
	const char *cmdline; /* --append; NULL: none */
	bool reuse_cmdline;  /* --reuse-cmdline: prepend that of the running kernel */
	bool reuse_initrd;   /* --reuseinitrd */
	const char *dtb;     /* --dtb, with -l alone; NULL: the running kernel's tree */
	const struct image_format *format; /* -t; NULL: detected by content */
	bool entry_32bit;		   /* --entry-32bit */

	uint64_t mem_min;    /* lowest address of a segment */
	uint64_t mem_max;    /* exclusive upper limit of segments; 0: none */
	bool noefi;	     /* do not pass EFI data */
	bool no_cma;	     /* kexec_file_load() avoids CMA areas */
	bool hotplug;	     /* -p: the kernel keeps the ELF core headers up to date */
	bool memmap_cmdline; /* -p: --pass-memmap-cmdline */

	bool no_checks;		/* the purgatory verifies no digests */
	uint32_t on_corruption; /* PURGATORY_RESET ... */
	bool caches_off;	/* --purgatory-caches=off */

	enum seed_policy seed;
	uint32_t seed_timeout; /* seconds */
	bool mix_off;	       /* pass the base seed unmixed */
	bool vmgenid_given;    /* --vmgenid-addr= */
	uint64_t vmgenid_addr;

	bool console_vga;
	bool console_serial;
	uint32_t serial_port; /* as arch_parse_serial() sets it; 0: not given */
	uint32_t serial_baud; /* 0: not given */

	bool debug;	  /* print details of the load */
	bool dry_run;	  /* plan only; the output is reproducible */
	const char *root; /* prefix of /proc and /sys: "", or the path of --facts */
};

static inline bool request_is_crash(const struct load_request *r)
{
	return r->target == KEXEC_TARGET_CRASH;
}

#endif
