// SPDX-License-Identifier: GPL-2.0-only
/*
 * leftovers.c - finds what a program leaves allocated or open when it ends.
 *
 * Part of each unit test program, which fails then, and of fake_machine.so, which adds a line to
 * FAKE_ROOT/leftovers: for each block of memory that was allocated and not freed, with the
 * caller's place (for addr2line) in the program or library, and for each file descriptor that
 * was opened and not closed. Sanitizers do this themselves; musl does not let us.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__GLIBC__) && !defined(WITH_SANITIZERS)
#define BLOCKS_MAX 65536 /* a power of 2 */
#define FDS_MAX	   256

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

/* Frees what the C library keeps for its own use, as what dlerror() made. */
void __libc_freeres(void) __attribute__((weak));

#define FREED ((void *)1)

static struct block {
	void *at; /* NULL: unused */
	void *caller;
} blocks[BLOCKS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool counting;
static pid_t counted; /* not its children, which end in other ways */
static bool was_open[FDS_MAX];
static char for_stdout[BUFSIZ];

static void add(void *at, void *caller)
{
	size_t i = ((uintptr_t)at >> 4) % BLOCKS_MAX;

	if (!counting || !at)
		return;
	pthread_mutex_lock(&lock);
	for (size_t n = 0; n < BLOCKS_MAX; n++, i = (i + 1) % BLOCKS_MAX)
		if (!blocks[i].at || blocks[i].at == FREED) {
			blocks[i] = (struct block){ at, caller };
			break;
		}
	pthread_mutex_unlock(&lock);
}

static void drop(void *at)
{
	size_t i = ((uintptr_t)at >> 4) % BLOCKS_MAX;

	if (!counting || !at)
		return;
	pthread_mutex_lock(&lock);
	for (size_t n = 0; n < BLOCKS_MAX && blocks[i].at; n++, i = (i + 1) % BLOCKS_MAX)
		if (blocks[i].at == at) {
			blocks[i].at = FREED;
			break;
		}
	pthread_mutex_unlock(&lock);
}

void *malloc(size_t size)
{
	void *new = __libc_malloc(size);

	add(new, __builtin_return_address(0));
	return new;
}

void *calloc(size_t count, size_t size)
{
	void *new = __libc_calloc(count, size);

	add(new, __builtin_return_address(0));
	return new;
}

void *realloc(void *old, size_t size)
{
	void *new;

	drop(old);
	new = __libc_realloc(old, size);
	add(new ? new : old, __builtin_return_address(0));
	return new;
}

void free(void *old)
{
	drop(old);
	__libc_free(old);
}

/* The C library keeps the variables. */
int setenv(const char *name, const char *value, int overwrite)
{
	int (*real)(const char *, const char *, int) =
		(__typeof__(real))dlsym(RTLD_NEXT, "setenv");
	bool before = counting;
	int ret;

	counting = false;
	ret = real(name, value, overwrite);
	counting = before;
	return ret;
}

__attribute__((constructor)) static void start(void)
{
	/* what libc never frees */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, for_stdout, _IOFBF, sizeof(for_stdout));
	setenv("TZ", "UTC0", 1);
	tzset();
	for (int fd = 0; fd < FDS_MAX; fd++)
		was_open[fd] = fcntl(fd, F_GETFD) >= 0;
	counted = getpid();
	counting = true;
}

static size_t list_leftovers(FILE *to)
{
	size_t count = 0;
	Dl_info where;

	for (size_t i = 0; i < BLOCKS_MAX; i++)
		/* dlopen() keeps what it allocates */
		if (blocks[i].at && blocks[i].at != FREED &&
		    dladdr(blocks[i].caller, &where) &&
		    !strstr(where.dli_fname, "/ld-")) {
			fprintf(to, "left behind: memory: %s %#tx\n", where.dli_fname,
				(char *)blocks[i].caller - (char *)where.dli_fbase);
			count++;
		}
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (!was_open[fd] && fd != fileno(to) && fcntl(fd, F_GETFD) >= 0) {
			fprintf(to, "left behind: file descriptor %d\n", fd);
			count++;
		}
	return count;
}

__attribute__((destructor)) static void tell(void)
{
	const char *root = getenv("FAKE_ROOT");
	char path[512];
	FILE *to;

	if (root && getpid() == counted && __libc_freeres) /* gcov still needs libc */
		__libc_freeres();
	counting = false;
	if (getpid() != counted)
		return;
	if (!root) {
		if (list_leftovers(stderr))
			_exit(1);
		return;
	}
	snprintf(path, sizeof(path), "%s/leftovers", root);
	to = fopen(path, "a");
	if (!to)
		return;
	list_leftovers(to);
	fclose(to);
}
#endif
