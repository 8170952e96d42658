/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * protection.h - reads the facts of verdict.h on this machine; changes nothing.
 */
#ifndef KS_PROTECTION_H
#define KS_PROTECTION_H

#include "kexec_seed/crash_state.h"
#include "kexec_seed/daemon/state.h"
#include "kexec_seed/verdict.h"

struct protection {
	struct verdict verdict;
	struct verdict_facts facts; /* its texts are here or in the arguments */
	struct error detail;
	struct error refusal;
	struct error files; /* which file has changed; "" if none has */
	bool files_known;   /* kernel and initrd were compared */
	char inputs[128];
};

/*
 * @s is the state of the crash kernel, @d that of the daemon. @unknown: why the kernel
 * does not tell whether one is loaded; @hidden: why the recipes cannot be read; NULL if
 * that is not so. All must outlive @out, which must not be copied.
 */
void protection_read(const struct crash_state *s, const struct error *unknown,
		     const struct error *hidden, const struct daemon_state *d,
		     struct protection *out);

#endif
