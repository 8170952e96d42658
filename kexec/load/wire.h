/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - numbers and bytes of a file whose layout is fixed: little endian, no padding but
 * what is written.
 */
#ifndef KS_WIRE_H
#define KS_WIRE_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes into memory that the caller made large enough; without memory it only counts. */
struct wire_writer {
	uint8_t *data; /* borrowed; NULL: count */
	size_t used;
};

/* Reads; what is asked for beyond the end is zero, and @bad remembers that. */
struct wire_reader {
	struct bytes rest;
	bool bad;
};

/* Returns where the bytes are now, or NULL when they were only counted. */
uint8_t *wire_put(struct wire_writer *w, const void *data, size_t size);
void wire_put_u32(struct wire_writer *w, uint32_t value);
void wire_put_u64(struct wire_writer *w, uint64_t value);

void wire_get(struct wire_reader *in, void *to, size_t size);
uint32_t wire_get_u32(struct wire_reader *in);
uint64_t wire_get_u64(struct wire_reader *in);

/* A field of 32 bits that must be zero: anything else is bad. */
void wire_get_zero(struct wire_reader *in);

#endif
