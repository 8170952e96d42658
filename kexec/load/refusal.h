/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refusal.h - why the kernel said no, in one line with the way out.
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
 * Will the kernel refuse either call, whatever is to be loaded? -EPERM with the line; 0
 * when nothing speaks against it.
 */
int refusal_foresee(enum kexec_target target, struct error *err);

/*
 * Will it refuse kexec_load(), because it is locked down? As above. That is not to be found
 * out by trying: a call that is refused counts towards kernel.kexec_load_limit_*.
 */
int refusal_foresee_load(struct error *err);

/*
 * Is there memory for a crash kernel, when @target is one? -EADDRNOTAVAIL with the line; 0
 * also when the kernel does not tell.
 */
int refusal_check_region(enum kexec_target target, struct error *err);

/*
 * Turns the errno of a refused call into the line, by looking at what the kernel shows of
 * its rules (capabilities, sysctls, lockdown). Returns -@code. *@other_way (may be NULL)
 * tells whether the other of the two calls may be allowed.
 */
int refusal_explain(int code, enum kexec_call call, enum kexec_target target,
		    bool *other_way, struct error *err);

#endif
