/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * method.h - which of the two system calls loads an image, and why.
 *
 * A load and a dry run ask the same functions, so that both agree.
 */
#ifndef KS_METHOD_H
#define KS_METHOD_H

#include "error.h"
#include "load/request.h"

/* "kexec_load" or "kexec_file_load"; METHOD_AUTO is neither. */
const char *method_name(enum kexec_method method);

/*
 * Sets l->method and l->reason from the request and from all that is known before the
 * call. For METHOD_LOAD also makes l->plan, with a seed unless --seed=off. 0 or a negative
 * errno with the line: neither call is possible.
 */
int method_choose(struct load *l, struct error *err);

/*
 * kexec_load() is not possible, for the reason in @err (@ret). 0 if kexec_file_load() is
 * to be tried: l->method and l->reason say so, and a note does. Otherwise @ret with the
 * line.
 */
int method_fall_back(struct load *l, int ret, struct error *err);

#endif
