// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast digests are computed here. One line of JSON for each way:
 *
 *     {"name": "digest portable", "bytes": 67108864, "seconds": 0.2, "gb_per_s": 0.33}
 *
 * seconds are the processor's time for the best of several runs: what a quiet machine
 * would take. GB are 10^9 bytes. "sha256" is one stream without chunks.
 */
#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SIZE (64u << 20)
#define RUNS 7

static double cpu_seconds(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(const char *name, const uint8_t *data, bool chunks,
		    enum digest_way way)
{
	uint8_t digest[SHA256_SIZE];
	double best = 0;

	for (int run = 0; run < RUNS; run++) {
		double seconds = cpu_seconds();

		if (chunks)
			digest_range(way, data, SIZE, digest);
		else
			sha256(data, SIZE, digest);
		seconds = cpu_seconds() - seconds;
		if (run == 0 || seconds < best)
			best = seconds;
	}
	printf("{\"name\": \"%s\", \"bytes\": %u, \"seconds\": %.6f, \"gb_per_s\": %.3f}\n",
	       name, SIZE, best, best > 0 ? SIZE / best / 1e9 : 0);
}

int main(void)
{
	uint8_t *data = malloc(SIZE);

	if (!data) {
		fprintf(stderr, "bench_digest: no memory for %u bytes\n", SIZE);
		return 1;
	}
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 37 >> 4);
	measure("sha256", data, false, DIGEST_PORTABLE);
	measure("digest portable", data, true, DIGEST_PORTABLE);
	if (digest_best_way() == DIGEST_SHA_NI)
		measure("digest SHA-NI", data, true, DIGEST_SHA_NI);
	free(data);
	return 0;
}
