/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure.h - data, time and output of the digest benchmarks.
 *
 * One line of JSON per implementation:
 *
 *     {"name": "portable", "bytes": 67108864, "seconds": 0.2, "gb_per_s": 0.33}
 *
 * seconds is the CPU time of the best of a few runs, as on an idle machine. GB are 10^9 bytes.
 */
#ifndef KS_BENCH_MEASURE_H
#define KS_BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MEASURE_SIZE (64u << 20)
#define MEASURE_RUNS 3

/* CPU time of this process in seconds; 0 if the clock cannot be read. */
static inline double measure_cpu(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* MEASURE_SIZE bytes to digest, freed by the caller; NULL, with a message, if out of memory. */
static inline uint8_t *measure_data(void)
{
	uint8_t *data = malloc(MEASURE_SIZE);

	if (!data)
		fprintf(stderr, "bench: no memory for %u bytes\n", MEASURE_SIZE);
	for (size_t i = 0; data && i < MEASURE_SIZE; i++)
		data[i] = (uint8_t)(i * 37 >> 4);
	return data;
}

/* Run @digest over @size bytes at @data and print the line for @name. */
static inline void measure(const char *name, const uint8_t *data, size_t size,
			   void (*digest)(const uint8_t *data, size_t size))
{
	double best = 0;

	for (int run = 0; run < MEASURE_RUNS; run++) {
		double seconds = measure_cpu();

		digest(data, size);
		seconds = measure_cpu() - seconds;
		if (run == 0 || seconds < best)
			best = seconds;
	}
	printf("{\"name\": \"%s\", \"bytes\": %zu, \"seconds\": %.6f, \"gb_per_s\": %.3f}\n",
	       name, size, best, best > 0 ? (double)size / best / 1e9 : 0);
}

#endif
