/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_tag.h - the first bytes of the crash region, as long as our image is in it.
 *
 * The kernel does not tell which crash image is loaded, only that one is. But whoever loads
 * one, by whichever call, changes the lowest page of the region: kexec_load() puts the
 * kernel's own control pages there, the lowest that no segment covers; kexec_file_load()
 * its first segment. Ours is a segment of one page there, in every load and refresh, so an
 * intact tag proves that nobody else has loaded anything since.
 */
#ifndef KS_IMAGE_TAG_H
#define KS_IMAGE_TAG_H

#include <stdint.h>

#define IMAGE_ID_SIZE 16

#define IMAGE_TAG_MAGIC "kexec-seed image" /* 16 bytes without the NUL */

/* What /proc/kcore must read back. All of it is public. */
struct image_tag {
	uint8_t magic[16];
	/* random, drawn when all of the image was loaded, kept when its seed is refreshed */
	uint8_t id[IMAGE_ID_SIZE];
};

_Static_assert(sizeof(struct image_tag) == 32, "no padding");

#endif
