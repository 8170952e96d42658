/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec_load.h - the two system calls, and why a kernel refuses them.
 *
 * When they fail, what was loaded before stays in place, with one exception: the kernel
 * gives a loaded crash kernel up before it looks at the next one.
 */
#ifndef KS_KEXEC_LOAD_H
#define KS_KEXEC_LOAD_H

#include "error.h"
#include "plan/plan.h"

#include <stdbool.h>

enum kexec_target {
	KEXEC_TARGET_NORMAL,
	KEXEC_TARGET_CRASH,
};

/*
 * What must hold until the very moment of the call: asked right before it, and again after
 * each time that the kernel was busy with somebody else's. 0 or a negative errno.
 */
struct load_guard {
	int (*holds)(const void *context, struct error *err);
	const void *context;
};

/*
 * Waits as long as somebody else's load is under way. 0, or -EBUSY with the line when that
 * takes longer than 3 s. What is called next waits all the same, as another load may begin
 * right now; this is for who would have a secret in hand meanwhile.
 */
int kexec_wait(enum kexec_target target, struct error *err);

/*
 * kexec_load(2) with every segment of the plan, as soon as @guard (NULL: none) agrees. 0 or
 * a negative errno with the reason; -EBUSY when somebody else's loads take longer than 3 s.
 * *@other_way (may be NULL) tells whether kexec_file_load() may still be allowed.
 */
int kexec_load_plan(const struct plan *plan, enum kexec_target target,
		    const struct load_guard *guard, bool *other_way, struct error *err);

/*
 * What kexec_load_files() may ask for besides; a kernel that does not know it loads without.
 * KEXEC_WISH_DEBUG: say in the kernel's log what is loaded where.
 * KEXEC_WISH_NO_CMA: leave the memory for contiguous allocations alone.
 */
#define KEXEC_WISH_DEBUG  (1u << 0)
#define KEXEC_WISH_NO_CMA (1u << 1)

/*
 * kexec_file_load(2). @initrd_fd is -1 for none; the command line goes in as it is. @wishes
 * are KEXEC_WISH_*. @guard and -EBUSY as for kexec_load_plan().
 */
int kexec_load_files(int kernel_fd, int initrd_fd, const char *cmdline,
		     enum kexec_target target, unsigned int wishes,
		     const struct load_guard *guard, struct error *err);

/*
 * Would the kernel take this file, as far as rules and signatures go? It gives a loaded
 * crash kernel up before it looks at the next one, so this is asked for the other target
 * and with an initrd that cannot be. 0 also when it cannot be found out; else as
 * kexec_load_files(). Nothing is changed.
 */
int kexec_try_file(int kernel_fd, enum kexec_target target, struct error *err);

/* Unloads; nothing loaded is no error. */
int kexec_unload(enum kexec_target target, struct error *err);

/* 1 loaded, 0 not; a negative errno when the kernel does not tell. */
int kexec_is_loaded(enum kexec_target target, struct error *err);

#endif
