// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_kexec.c - preloaded into a kexec program, replaces kexec_load(2).
 *
 * The call succeeds and loads nothing, but copies every segment page by page as the kernel
 * would, so that the page faults of mapped files are counted. Then it writes "NAME: VALUE"
 * lines into the file named by FAKE_KEXEC: the segments' count and bytes, and the Rss lines of
 * /proc/self/status (proc(5)), in kB. kexec_file_load(2) is missing (ENOSYS).
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/kexec.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

long syscall(long number, ...);

static long (*next_syscall(void))(long, ...)
{
	union {
		void *pointer;
		long (*function)(long, ...);
	} next = { .pointer = dlsym(RTLD_NEXT, "syscall") };

	return next.function;
}

static void copy_pages(const struct kexec_segment *s)
{
	unsigned char page[4096];

	for (size_t at = 0; at < s->bufsz; at += sizeof(page)) {
		size_t left = s->bufsz - at;

		memcpy(page, (const unsigned char *)s->buf + at,
		       left < sizeof(page) ? left : sizeof(page));
		/* Keeps the unused copy from being optimised away. */
		__asm__ volatile("" : : "r"(page) : "memory");
	}
}

static int copy_memory_lines(FILE *to)
{
	FILE *from = fopen("/proc/self/status", "re");
	char line[256];

	if (!from)
		return -1;
	while (fgets(line, sizeof(line), from))
		if (!strncmp(line, "Rss", 3))
			fputs(line, to);
	return fclose(from);
}

static long report(size_t count, const struct kexec_segment *segments)
{
	const char *path = getenv("FAKE_KEXEC");
	FILE *to = path ? fopen(path, "we") : NULL;
	unsigned long bytes = 0;
	int failed;

	for (size_t i = 0; i < count; i++) {
		copy_pages(&segments[i]);
		bytes += segments[i].bufsz;
	}
	failed = !to || copy_memory_lines(to) ||
		 fprintf(to, "segments: %zu\nbytes: %lu\n", count, bytes) < 0;
	if (to && fclose(to))
		failed = 1;
	if (failed) {
		fprintf(stderr, "fake_kexec: cannot write %s\n",
			path ? path : "FAKE_KEXEC");
		exit(99);
	}
	return 0;
}

long syscall(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_kexec_load)
		return report((size_t)a[1], (const struct kexec_segment *)a[2]);
	if (number == SYS_kexec_file_load) {
		errno = ENOSYS;
		return -1;
	}
	return next_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
