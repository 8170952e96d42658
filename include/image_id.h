/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_id.h - the image ID: the first bytes of the crash region while our image is loaded.
 *
 * The kernel tells that a crash image is loaded, not which one. But every load changes the
 * region's lowest page: kexec_load() puts the kernel's own control pages there, in the
 * lowest pages that no segment covers; kexec_file_load() its first segment. Our image has
 * a one-page segment there in every load and refresh, so an intact image ID proves that
 * nobody else has loaded anything since.
 */
#ifndef KS_IMAGE_ID_H
#define KS_IMAGE_ID_H

#include <stdint.h>

#define IMAGE_ID_SIZE 16

#define IMAGE_ID_MAGIC "kexec-seed image" /* 16 bytes without the NUL */

/* What /proc/kcore must read back. All of it is public. */
struct image_id {
	uint8_t magic[16];
	/* random, drawn for a full load, kept by a refresh */
	uint8_t id[IMAGE_ID_SIZE];
};

_Static_assert(sizeof(struct image_id) == 32, "no padding");

#endif
