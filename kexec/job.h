/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * job.h - one load, from the options to the plan: files and facts are read here, nothing
 * is changed.
 */
#ifndef KS_JOB_H
#define KS_JOB_H

#include "base/file.h"
#include "image/open.h"
#include "machine/dump.h"
#include "machine/facts.h"
#include "options.h"
#include "plan/plan.h"

/* Everything that a load needs, held together so that there is one way out. */
struct job {
	const struct options *o; /* borrowed */
	struct file kernel;
	struct file initrd;
	struct image image;
	struct image_extras extras; /* what a UKI has besides */
	bool own_initrd;	    /* the initrd above is the one of the UKI */
	struct facts facts;
	struct dump_facts dump; /* of a crash kernel that goes through kexec_load() */
	char *cmdline;
	uint64_t generation_id;
	uint8_t image_id[IMAGE_ID_SIZE];
	struct plan plan;	  /* after job_plan() */
	struct progress progress; /* of what is read from kernel and initrd */
};

/*
 * Opens the files, reads the facts, makes the command line. 0 or a negative errno; job_end()
 * is needed either way.
 */
int job_prepare(struct job *job, const struct options *o, struct error *err);

/*
 * Reads what only kexec_load() needs. Notes that concern the user go to standard error.
 * 0 or a negative errno.
 */
int job_prepare_plan(struct job *job, struct error *err);

/* Makes job->plan anew, with a seed or without. 0 or a negative errno as plan_make(). */
int job_plan(struct job *job, bool seed, struct error *err);

/*
 * Whether kexec_file_load() can be tried, after job_prepare(): 0; -ENOEXEC for a kernel that
 * the running one takes from kexec_load() alone, -EINVAL for a command line that is too
 * long for that call, -EADDRNOTAVAIL for too little memory for a crash kernel. The running
 * kernel would find these out when it has given up the crash kernel that is loaded.
 */
int job_check_file_load(const struct job *job, struct error *err);

/* -ESTALE when kernel or initrd is no longer what it was when it was opened. */
int job_check_files(const struct job *job, struct error *err);

static inline bool job_is_crash(const struct job *job)
{
	return job->o->target == KEXEC_TARGET_CRASH;
}

void job_end(struct job *job);

/* "NAME: what: the error", for what the user should know and what stops nothing. */
void job_note(const char *what, const struct error *err);

#endif
