/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmgenid.h - finds the VM generation ID in a device tree, as arch_find_vmgenid() does.
 *
 * A node compatible with "microsoft,vmgenid" has the address of the ID's 16 bytes in its
 * property reg: Documentation/devicetree/bindings/rng/microsoft,vmgenid.yaml of Linux.
 * Linux has a driver since v6.10 (drivers/virt/vmgenid.c).
 */
#ifndef KS_DT_VMGENID_H
#define KS_DT_VMGENID_H

#include "acpi/vmgenid.h"
#include "arch/dt/tree.h"

/*
 * Sets @out: VMGENID_FOUND, VMGENID_ABSENT or VMGENID_UNKNOWN_SHAPE. Nodes that the kernel
 * ignores because of their status, or a parent's, do not count. Does not check the address
 * against the machine.
 */
void dt_find_vmgenid(const struct dt *tree, struct vmgenid *out);

#endif
