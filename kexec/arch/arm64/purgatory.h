/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * purgatory.h - facts of the machine that the purgatory's parameters are made from.
 *
 * struct arch_machine of arm64.h has one of each; the code that reads the machine fills
 * them in.
 */
#ifndef KS_ARM64_PURGATORY_H
#define KS_ARM64_PURGATORY_H

#include "arch_params.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the CPU, for people: "Features" of /proc/cpuinfo. */
struct arm64_cpu {
	bool sha2; /* "sha2" */
	bool rndr; /* "rng" */
};

#endif
