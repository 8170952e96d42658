/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_image.h - the header of an arm64 kernel, and a zboot image around one.
 */
#ifndef KS_FAKE_IMAGE_H
#define KS_FAKE_IMAGE_H

#include "check.h"

#include "arch/dt/linux_image.h"

#include <string.h>

#define FAKE_IMAGE_SIZE 20000 /* of the file */
#define FAKE_IMAGE_BSS	40000 /* behind it */

union fake_image {
	struct linux_image h;
	uint8_t file[FAKE_IMAGE_SIZE];
};

static inline void fake_image(union fake_image *k)
{
	memset(k->file, 0x5a, sizeof(k->file));
	k->h = (struct linux_image){ .code = { 0x91005a4d, 0x14000000 },
				     .image_size = FAKE_IMAGE_SIZE + FAKE_IMAGE_BSS,
				     .flags = 0xa, /* 4 KiB pages, anywhere */
				     .magic = { 'A', 'R', 'M', 0x64 },
				     .pe_offset = 64 };
}

#define FAKE_ZBOOT_AT 4096u

/* Writes the header of a zboot image whose payload of @size bytes is at FAKE_ZBOOT_AT. */
static inline void fake_zboot(uint8_t *file, const char *type, const void *payload,
			      uint32_t size)
{
	const uint32_t place[2] = { FAKE_ZBOOT_AT, size };

	memset(file, 0, FAKE_ZBOOT_AT);
	memcpy(file, "MZ\0\0zimg", 8);
	memcpy(file + 8, place, sizeof(place));
	memcpy(file + 24, type, strlen(type));
	memcpy(file + FAKE_ZBOOT_AT, payload, size);
}

#endif
