/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_id.h - the image ID, at the start of the crash region while our image is loaded.
 *
 * The kernel reports that a crash image is loaded, but not which one. Every load
 * overwrites the region's lowest page, though: kexec_load() puts the kernel's own control
 * pages into the lowest pages that no segment covers, kexec_file_load() puts its first
 * segment there. Our image has a one-page segment there in every load and refresh, so an
 * intact image ID proves that nothing else was loaded since.
 *
 * On arm64 the kernel leaves the first of its two pages as it is and writes the second. The
 * image ID is in the region's two lowest pages there: another load writes one of them, or
 * covers it. Linux before 6.4 also hides the segments of the last load there. The same image
 * ID is between the refreshed segments and the kernel, which a refresh does not list.
 */
#ifndef KS_IMAGE_ID_H
#define KS_IMAGE_ID_H

#include <stdint.h>

#define IMAGE_ID_SIZE 16

#define IMAGE_ID_MAGIC "kexec-seed image" /* 16 bytes without the NUL */

/* Must read back unchanged through /proc/kcore. Nothing in it is secret. */
struct image_id {
	uint8_t magic[16];
	/* random: new with every full load, kept by a refresh */
	uint8_t id[IMAGE_ID_SIZE];
};

_Static_assert(sizeof(struct image_id) == 32, "no padding");

#endif
