/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refusal.h - explains why the kernel refused a call, and the way out, in one line.
 */
#ifndef KS_REFUSAL_H
#define KS_REFUSAL_H

#include "error.h"
#include "load/kexec_load.h"

enum kexec_call {
	KEXEC_CALL_LOAD,
	KEXEC_CALL_FILE_LOAD,
};

/*
 * -EPERM with the line if the kernel will refuse both calls; 0 otherwise or if unknown.
 */
int refusal_foresee(enum kexec_target target, struct error *err);

/*
 * The same for kexec_load() alone, because of lockdown. Merely trying has a cost: refused
 * calls count towards kernel.kexec_load_limit_*.
 */
int refusal_foresee_load(struct error *err);

/*
 * -EADDRNOTAVAIL with the line if @target is a crash kernel and no memory is reserved for
 * it; 0 otherwise or if unknown.
 */
int refusal_check_region(enum kexec_target target, struct error *err);

/*
 * Explains the errno @code of a refused call, from the state that the kernel exports
 * (capabilities, sysctls, lockdown). Returns -@code with the line. *@may_fall_back (may
 * be NULL) tells whether the other call may be allowed.
 */
int refusal_explain(int code, enum kexec_call call, enum kexec_target target,
		    bool *may_fall_back, struct error *err);

#endif
