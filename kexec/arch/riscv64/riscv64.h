/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * riscv64.h - declarations shared by the files of this directory.
 */
#ifndef KS_RISCV64_H
#define KS_RISCV64_H

#include "arch/arch.h"
#include "arch/dt/machine.h"
#include "plan/builder.h"

/* Features that all harts have: "isa" of /proc/cpuinfo. */
struct riscv64_cpu {
	bool zkr;  /* a source of entropy; whether we may read it, firmware decides */
	bool zknh; /* instructions for SHA-2 */
};

struct arch_machine {
	struct dt_machine dt;
	struct riscv64_cpu cpu;
};

/*
 * Reads the CPU features from /proc/cpuinfo below @root. A missing file is no error. 0 or
 * a negative errno with the line.
 */
int riscv64_cpu_read(const char *root, struct riscv64_cpu *out, struct error *err);

#endif
