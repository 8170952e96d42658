/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen.h - Xen domains that cannot jump into another kernel by themselves.
 */
#ifndef KS_XEN_H
#define KS_XEN_H

#include "error.h"

/*
 * -ENOTSUP with the line if the machine below @root is Xen's dom0, whose hypervisor would
 * have to load and jump, or a paravirtual domain. 0 otherwise, or another negative errno
 * with the line.
 */
int xen_check(const char *root, struct error *err);

#endif
