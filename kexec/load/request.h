/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * request.h - prepares a load, from the request to the plan. Reads files and the machine;
 * changes nothing.
 */
#ifndef KS_REQUEST_H
#define KS_REQUEST_H

#include "base/file.h"
#include "base/notes.h"
#include "image/format.h"
#include "image_id.h"
#include "load_request.h"
#include "machine/crash_notes.h"
#include "machine/machine.h"
#include "machine/meminfo.h"
#include "plan/plan.h"

/* Output of a load for its caller. */
struct load_io {
	int progress_fd;    /* file descriptor for progress, shown if it is a terminal */
	struct notes notes; /* owned */
	FILE *details;	    /* borrowed; receives the output of --debug; NULL: none */
};

/* All data of a load in one structure, so that one function frees it. */
struct load {
	const struct load_request *request; /* borrowed, as is @io */
	struct load_io *io;
	struct file kernel;
	struct file initrd;
	struct image image;
	struct image_extras extras; /* of a UKI */
	bool own_initrd;	    /* the initrd above comes from the UKI */
	struct machine machine;
	int machine_ret;	 /* of machine_read(); negative: @machine is empty, and */
	struct error no_machine; /* says why */
	struct meminfo memory;
	struct crash_notes crash; /* crash kernel loaded with kexec_load() only */
	char *cmdline;
	uint64_t generation_id;
	uint8_t image_id[IMAGE_ID_SIZE];
	struct plan plan;	  /* valid after load_plan() */
	enum kexec_method method; /* METHOD_LOAD or _FILE, once method_choose() has */
	struct error reason;	  /* why that one */
	struct error no_seed; /* "none: " and why; empty: there is one, or --seed=off */
	bool seed_ready;      /* the RNG is initialised, and there is a page */
	struct progress progress; /* progress of reading kernel and initrd */
};

/*
 * Opens the files, reads the machine, joins the command line. 0 or a negative errno with
 * the line; call load_end() in either case.
 */
int load_prepare(struct load *l, const struct load_request *request, struct load_io *io,
		 struct error *err);

/* Puts a word in front of l->cmdline. 0 or -ENOMEM with the line. */
int load_put_word(struct load *l, const char *word, struct error *err);

/*
 * Checks and reads what only kexec_load() needs. 0 or a negative errno with the line;
 * kexec_file_load() may do without.
 */
int load_prepare_plan(struct load *l, struct error *err);

/*
 * Replaces l->plan by a new plan, with or without a seed. 0 or a negative errno as
 * plan_make(); also -ENOMEM with the line if the running kernel has too little memory.
 */
int load_plan(struct load *l, bool seed, struct error *err);

/*
 * Checks, after load_prepare(), whether kexec_file_load() can be tried: the running
 * kernel would report these errors only after unloading the crash kernel. 0; -ENOEXEC:
 * only kexec_load() can load this kernel; -EINVAL: the command line is too long for that
 * call; -EADDRNOTAVAIL: too little memory for a crash kernel; -ENOSPC, -ENOMEM: too
 * little memory in the running kernel.
 */
int load_check_file_load(const struct load *l, struct error *err);

/* 0; -ESTALE with the line if kernel or initrd has changed since it was opened. */
int load_check_files(const struct load *l, struct error *err);

static inline bool load_is_crash(const struct load *l)
{
	return request_is_crash(l->request);
}

void load_end(struct load *l);

#endif
