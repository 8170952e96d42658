/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ram.h - where a segment may go.
 */
#ifndef KS_RAM_H
#define KS_RAM_H

#include "machine/facts.h"
#include "machine/iomem.h"
#include "range.h"

/*
 * What is RAM in @e820 and in @m (unless that is hidden), without the regions for a crash
 * kernel, in whole pages, into @out, which must be empty. Where entries of @e820 overlap,
 * RAM gives way. 0 or -ENOMEM; on failure nothing is left to free.
 */
int ram_find(const struct e820_map *e820, const struct iomem *m, struct ranges *out);

#endif
