/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_table.h - every option of kexec(8): the one list that the parser, the manual's
 * and the completions' tests go by.
 *
 * It holds all that kexec-tools 2.0.32 takes on x86_64, so that its abbreviations keep
 * their meaning, and options of our own.
 */
#ifndef KS_OPTIONS_TABLE_H
#define KS_OPTIONS_TABLE_H

#include "image/image.h"

#include <getopt.h>
#include <stddef.h>

/* Long options without a short one. */
enum {
	OPT_INITRD = 256,
	OPT_APPEND,
	OPT_REUSE_CMDLINE,
	OPT_REUSE_INITRD,
	OPT_ENTRY_32BIT,
	OPT_MEM_MIN,
	OPT_MEM_MAX,
	OPT_NOEFI,
	OPT_NO_CMA,
	OPT_HOTPLUG,
	OPT_MEMMAP_CMDLINE,
	OPT_CRASH_SIZE,
	OPT_SEED,
	OPT_SEED_TIMEOUT,
	OPT_SEED_MIX,
	OPT_VMGENID_ADDR,
	OPT_ON_CORRUPTION,
	OPT_SERIAL,
	OPT_SERIAL_BAUD,
	OPT_CONSOLE_VGA,
	OPT_CONSOLE_SERIAL,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_FACTS,
	OPT_ENTRY,
	OPT_ALWAYS_SO, /* asks for what is done anyway */
	OPT_REFUSED,   /* from here on option_refusal() has the reason */
	OPT_PRESERVE_CONTEXT = OPT_REFUSED,
	OPT_JUMP_BACK_HELPER,
	OPT_LOAD_LIVE_UPDATE,
	OPT_EXEC_LIVE_UPDATE,
	OPT_REAL_MODE,
	OPT_ARGS_ELF,
	OPT_ARGS_NONE,
	OPT_MODULE,
	OPT_DTB,
	OPT_FORCE_DTB,
	OPT_RESET_VGA,
	OPT_END,
};

/* For getopt_long(3). */
extern const char option_letters[];
extern const struct option option_table[];

/* Why this program does not do what the option @opt asks for; NULL: it does. */
const char *option_refusal(int opt);

/* A word for -t; those of kexec-tools are all there. */
struct option_type {
	const char *name;
	enum image_type type;
	const char *refusal; /* or NULL */
};

extern const struct option_type option_types[]; /* ends with a name of NULL */

#endif
