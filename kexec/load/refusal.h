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
 * -ENOTSUP with the line if kexec was built for another architecture than it runs on, and
 * @root is "", this machine; 0 otherwise.
 */
int refusal_check_arch(const char *root, struct error *err);

/*
 * -EPERM with the line if this process may load nothing; 0 otherwise.
 */
int refusal_foresee_rights(struct error *err);

/*
 * The same if the kernel below @root ("" for the machine) will refuse both calls of any
 * process: a sysctl forbids loads, or no more are allowed. 0 also if unknown.
 */
int refusal_foresee(const char *root, enum kexec_target target, struct error *err);

/*
 * The same for kexec_load() alone, because of lockdown. Merely trying has a cost: refused
 * calls count towards kernel.kexec_load_limit_*.
 */
int refusal_foresee_load(const char *root, struct error *err);

/* True if the kernel allows only so many loads until the next boot. */
bool refusal_is_limited(const char *root, enum kexec_target target);

/*
 * Where loads are limited: -EPERM with the line if a security module will refuse
 * kexec_load() by a policy that can be read. The policy may have exceptions that cannot:
 * use this only where kexec_file_load() is the alternative.
 */
int refusal_foresee_policy(const char *root, enum kexec_target target, struct error *err);

/*
 * Call when kexec_load() was refused (@ret, @err) and kexec_file_load() is to be tried: 0
 * if the limit allows that, else @ret with the line that says so.
 */
int refusal_tell_spent(const char *root, enum kexec_target target, int ret,
		       struct error *err);

/*
 * -EADDRNOTAVAIL with the line if @target is a crash kernel and no memory is reserved for
 * it; 0 otherwise or if unknown.
 */
int refusal_no_region(struct error *err); /* that error */
int refusal_check_region(const char *root, enum kexec_target target, struct error *err);

/*
 * Explains the errno @code of a refused call, from the state that the kernel exports
 * (capabilities, sysctls, lockdown). Returns -@code with the line. *@may_fall_back (may
 * be NULL) tells whether the other call may be allowed.
 */
int refusal_explain(int code, enum kexec_call call, enum kexec_target target,
		    bool *may_fall_back, struct error *err);

#endif
