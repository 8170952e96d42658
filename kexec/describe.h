/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * describe.h - what is being loaded, for people: the head of what --debug prints.
 */
#ifndef KS_DESCRIBE_H
#define KS_DESCRIBE_H

#include "job.h"

#include <stdio.h>

/*
 * Prints files, system call (@method is METHOD_LOAD or METHOD_FILE) and what there will be
 * of a seed: @seed tells whether the random number generator is ready. For METHOD_FILE
 * also the command line, which the plan has otherwise.
 */
void describe_load(FILE *to, const struct job *job, enum kexec_method method, bool seed);

#endif
