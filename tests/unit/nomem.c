// SPDX-License-Identifier: GPL-2.0-only
/*
 * nomem.c - makes memory allocation fail.
 *
 * Preloaded with NOMEM=N: the Nth allocation (malloc, calloc, realloc, and what the C library
 * builds on them) fails; with NOMEM=N+ each from then on. Allocations of the loader and of
 * library constructors do not count. With NOMEM_FD=FD the program writes "nomem: COUNT" there
 * when it ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static long asked, failing;
static int for_ever, counting;

static int refuse(void)
{
	if (!counting)
		return 0;
	asked++;
	if (!failing || asked < failing || (asked > failing && !for_ever))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return refuse() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return refuse() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return refuse() ? NULL : __libc_realloc(old, size);
}

/* The last constructor to run: this library is loaded first and initialised last. */
__attribute__((constructor)) static void start(void)
{
	const char *order = getenv("NOMEM");
	char *end = NULL;

	failing = order ? strtol(order, &end, 10) : 0;
	for_ever = end && *end == '+';
	unsetenv("LD_PRELOAD"); /* not for child processes */
	counting = 1;
}

__attribute__((destructor)) static void tell(void)
{
	const char *number = getenv("NOMEM_FD");

	counting = 0;
	if (number)
		dprintf(atoi(number), "nomem: %ld\n", asked);
}
