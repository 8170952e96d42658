/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash.h - what the plan of a crash image has besides that of a normal one. plan.c has the
 * order of these steps.
 *
 * Each returns 0 or a negative errno with the line, as place_segment().
 */
#ifndef KS_PLAN_CRASH_H
#define KS_PLAN_CRASH_H

#include "plan/builder.h"

/* Limits the image to its region; -ENODEV: none is reserved. */
int take_crash_region(struct plan_builder *b, struct error *err);

/* First: the region's lowest pages. */
int place_image_id(struct plan_builder *b, struct error *err);

/* Next: leaves room for the running kernel's own pages. */
int reserve_control_pages(struct plan_builder *b, struct error *err);

int place_elfcorehdr(struct plan_builder *b, struct error *err);

/* Then: memory map and command line, which depend on the ELF core headers' address. */
int take_elfcorehdr(struct plan_builder *b, struct error *err);

/* Last of those below the kernel: the copy of the image ID that no refresh loads. */
int place_static_id(struct plan_builder *b, struct error *err);

#endif
