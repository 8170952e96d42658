// SPDX-License-Identifier: GPL-2.0-only
/*
 * mark.c - seeds that can be found in memory.
 *
 * Preloaded with MARK=N: 32 bytes drawn with getrandom(2) are replaced by a pattern of N,
 * written byte by byte, so that the only copy is the caller's. The test thus knows the bytes
 * even if the caller fails and wipes them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SEED_SIZE 32

ssize_t getrandom(void *buf, size_t size, unsigned int flags);

ssize_t getrandom(void *buf, size_t size, unsigned int flags)
{
	ssize_t n = syscall(SYS_getrandom, buf, size, flags);
	const char *mark = getenv("MARK");
	unsigned int number = mark ? (unsigned int)atoi(mark) : 0;
	volatile uint8_t *out = buf;

	if (n == SEED_SIZE && size == SEED_SIZE && mark)
		for (unsigned int i = 0; i < SEED_SIZE; i++)
			out[i] = (uint8_t)(((i * 73 + 41) ^ (i * i * 7)) + number * 29);
	return n;
}
