/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec_load.h - the two system calls, with an explanation if the kernel refuses them.
 *
 * On failure the loaded image stays, with one exception: the kernel unloads a crash
 * kernel before it examines the next one.
 */
#ifndef KS_KEXEC_LOAD_H
#define KS_KEXEC_LOAD_H

#include "error.h"
#include "load_request.h"
#include "plan/plan.h"

#include <stdbool.h>

/*
 * A condition checked right before the call, and again each time the kernel was busy with
 * another load. 0 or a negative errno with the line.
 */
struct load_guard {
	int (*holds)(const void *context, struct error *err);
	const void *context;
};

/*
 * Waits while another load is in progress. 0, or -EBUSY with the line after 3 s. The
 * calls below wait too, since another load may begin at any time; call this one before
 * drawing a secret.
 */
int kexec_wait(enum kexec_target target, struct error *err);

/*
 * Calls kexec_load(2) with all segments of the plan, if @guard (NULL: none) holds. 0 or a
 * negative errno with the line; -EBUSY if other loads take longer than 3 s. On failure
 * *@may_fall_back (may be NULL) tells whether kexec_file_load() may still be allowed.
 */
int kexec_load_plan(const struct plan *plan, enum kexec_target target,
		    const struct load_guard *guard, bool *may_fall_back,
		    struct error *err);

/*
 * Asks the kernel whether it has kexec_load() and allows it, by a call that it takes for
 * invalid; not where calls are limited. 0, also if unknown; otherwise errors as
 * kexec_load_plan(). Changes nothing.
 */
int kexec_try_load(enum kexec_target target, bool *may_fall_back, struct error *err);

/* Flags of kexec_load_files(); kernels that do not know one load without it. */
#define LOAD_FILE_DEBUG	 (1u << 0) /* the kernel logs addresses of the load */
#define LOAD_FILE_NO_CMA (1u << 1) /* avoid CMA areas */

/*
 * Calls kexec_file_load(2). @initrd_fd is -1 for none; @cmdline is passed unchanged;
 * @want is LOAD_FILE_* flags. @guard and -EBUSY as in kexec_load_plan().
 */
int kexec_load_files(int kernel_fd, int initrd_fd, const char *cmdline,
		     enum kexec_target target, unsigned int want,
		     const struct load_guard *guard, struct error *err);

/*
 * Tests whether the kernel would accept this file by its rules and signatures. Because
 * the kernel unloads a crash kernel before it examines the next one, this calls
 * kexec_file_load() for the other target, with an invalid initrd. 0, also if that cannot
 * be determined; otherwise errors as kexec_load_files(). Changes nothing.
 */
int kexec_try_file(int kernel_fd, enum kexec_target target, struct error *err);

/* Unloads the image. 0, also if none was loaded, or a negative errno with the line. */
int kexec_unload(enum kexec_target target, struct error *err);

/* 1: loaded, 0: not; a negative errno with the line if the kernel does not report it. */
int kexec_is_loaded(enum kexec_target target, struct error *err);

#endif
