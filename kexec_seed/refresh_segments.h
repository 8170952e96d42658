/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refresh_segments.h - the constant-time refresh: loads the refreshed segments only;
 * kernel and initrd stay in place.
 */
#ifndef KS_REFRESH_SEGMENTS_H
#define KS_REFRESH_SEGMENTS_H

#include "kexec_seed/crash_state.h"
#include "kexec_seed/refresh.h"

/*
 * Loads the refreshed segments of the verified image in @s with a new seed, then checks
 * the memory above them. 0; -EBADMSG: the image was damaged and, if possible, unloaded;
 * -ENODATA: another tool has loaded its own image; otherwise a negative errno.
 * *@may_fall_back is set if kexec_load() was refused but a full reload may still work.
 */
int refresh_segments(struct crash_state *s, struct refresh_result *out,
		     bool *may_fall_back, struct error *err);

/*
 * -ENOTSUP with the line if the control-page reserve is now too small for the pages that
 * the kernel allocates below the refreshed segments; 0, or another negative errno if that
 * cannot be read.
 */
int refresh_check_reserve(const struct crash_state *s, struct error *err);


/*
 * Call after a refresh: checks that the ELF core headers describe the RAM of the machine.
 * While the kernel is in the system call it cannot update them, and it forgets the change.
 * 0; -ENOTSUP: they differ; another negative errno: unknown. The line has the reason.
 */
int refresh_check_memory(const struct crash_state *s, struct error *err);

#endif
