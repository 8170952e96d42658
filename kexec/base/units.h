/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * units.h - sizes and alignment, in bytes.
 *
 * Objects in memory are far smaller than 2^63, so align_up() cannot overflow on their
 * sizes. Sizes from a file are checked where they are read.
 */
#ifndef KS_UNITS_H
#define KS_UNITS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* Rounds @value up to a multiple of @align, a power of two; align_down() rounds down. */
static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

static inline bool is_power_of_2(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* CLOCK_MONOTONIC in seconds. */
static inline double monotonic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Returns the running kernel's page size. Plans use that of their struct machine. */
static inline uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

#endif
