// SPDX-License-Identifier: GPL-2.0-only
/*
 * time_kexec.c - preloaded into a kexec program, measures kexec_load(2).
 *
 * The kernel drops the loaded crash kernel at the start of the call and has the new one at its
 * end, so no crash kernel is loaded for the call's duration. It is appended in microseconds,
 * one line per call, to the file named by TIME_KEXEC.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

long syscall(long number, ...);

static long (*next_syscall(void))(long, ...)
{
	union {
		void *pointer;
		long (*function)(long, ...);
	} next = { .pointer = dlsym(RTLD_NEXT, "syscall") };

	return next.function;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void report(double microseconds)
{
	const char *path = getenv("TIME_KEXEC");
	FILE *to = path ? fopen(path, "ae") : NULL;

	if (!to)
		return;
	fprintf(to, "%.1f\n", microseconds);
	fclose(to);
}

long syscall(long number, ...)
{
	long (*next)(long, ...) = next_syscall();
	long a[6], ret;
	double start;
	va_list list;
	int code;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	start = now();
	ret = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	code = errno;
	if (number == SYS_kexec_load && a[1])
		report(now() - start);
	errno = code;
	return ret;
}
