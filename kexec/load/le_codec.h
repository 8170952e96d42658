/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * le_codec.h - little-endian codec for files with a fixed layout; padding is explicit.
 *
 * The same calls encode and decode, so a layout is described once. Encoding only reads
 * the values.
 */
#ifndef KS_LE_CODEC_H
#define KS_LE_CODEC_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct le_codec {
	bool decode;
	struct bytes
		in; /* decode: the rest. Beyond its end come zeroes, and @bad is set */
	bool bad;
	uint8_t *out; /* encode: borrowed, large enough; NULL: only count bytes */
	size_t used;  /* encode: bytes so far */
};

void le_bytes(struct le_codec *c, void *data, size_t size);
void le_u32(struct le_codec *c, uint32_t *value);
void le_u64(struct le_codec *c, uint64_t *value);

/* A 32-bit field that is zero; sets @bad if it is not. */
void le_zero(struct le_codec *c);

#endif
