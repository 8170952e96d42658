/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_uki.h - PE files made of sections.
 */
#ifndef KS_FAKE_UKI_H
#define KS_FAKE_UKI_H

#include "check.h"

#include <stdint.h>
#include <string.h>

#define PE_AT	   0x80
#define OPTIONAL   240
#define TABLE_AT   (PE_AT + 24 + OPTIONAL)
#define ENTRY_SIZE 40
#define ALIGN	   0x200
#define DATA_AT	   0x800
#define MAX_SIZE   0x10000

struct content {
	const char *name;
	const void *data;
	size_t size;
};

struct fake_uki {
	uint8_t file[MAX_SIZE];
	size_t size;
};

static inline void put16(struct fake_uki *u, size_t at, uint16_t value)
{
	memcpy(u->file + at, &value, sizeof(value));
}

static inline void put32(struct fake_uki *u, size_t at, uint32_t value)
{
	memcpy(u->file + at, &value, sizeof(value));
}

/* A section's field in the file. Offsets: 8 virtual size, 16 raw size, 20 raw offset. */
static inline size_t field(size_t section, size_t offset)
{
	return TABLE_AT + section * ENTRY_SIZE + offset;
}

static inline void fake_uki(struct fake_uki *u, const struct content *contents,
			    size_t count)
{
	memset(u, 0, sizeof(*u));
	memcpy(u->file, "MZ", 2);
	put32(u, 0x3c, PE_AT);
	memcpy(u->file + PE_AT, "PE\0\0", 4);
	put16(u, PE_AT + 4, 0x8664);
	put16(u, PE_AT + 6, (uint16_t)count);
	put16(u, PE_AT + 20, OPTIONAL);
	put16(u, PE_AT + 24, 0x20b);
	u->size = DATA_AT;
	for (size_t i = 0; i < count; i++) {
		size_t padded = (contents[i].size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

		assert_true(u->size + padded <= MAX_SIZE);
		memcpy(u->file + field(i, 0), contents[i].name,
		       strnlen(contents[i].name, 8));
		put32(u, field(i, 8), (uint32_t)contents[i].size);
		put32(u, field(i, 16), (uint32_t)padded);
		put32(u, field(i, 20), (uint32_t)u->size);
		memcpy(u->file + u->size, contents[i].data, contents[i].size);
		u->size += padded;
	}
}

#endif
