/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * units.h - pages and powers of two.
 *
 * Sizes of what exists in memory are far below 2^63, so page_up() cannot overflow for
 * them; sizes that come from a file are checked where they are read.
 */
#ifndef KS_UNITS_H
#define KS_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE 4096ull
#define MIB  (1ull << 20)
#define GIB  (1ull << 30)

static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static inline uint64_t page_up(uint64_t value)
{
	return align_up(value, PAGE);
}

static inline uint64_t page_down(uint64_t value)
{
	return value & ~(PAGE - 1);
}

static inline bool is_power_of_2(uint64_t value)
{
	return value && !(value & (value - 1));
}

#endif
