// SPDX-License-Identifier: GPL-2.0-only
/*
 * flip.c - damages the data of kexec_load(2) on its way into the kernel.
 *
 * Preloaded into kexec with FLIP="SEGMENT OFFSET [BIT]": flips one bit (0 to 7, default 4) of
 * the byte at OFFSET (negative: from the end) of segment number SEGMENT in the call, after the
 * digests were computed.
 */
#include <dlfcn.h>
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

static int flip(struct kexec_segment *s, long offset, long bit)
{
	unsigned char *copy;

	if (offset < 0)
		offset += (long)s->bufsz;
	copy = malloc(s->bufsz);
	if (!copy || offset < 0 || (size_t)offset >= s->bufsz || bit < 0 || bit > 7)
		return -1;
	memcpy(copy, s->buf, s->bufsz);
	copy[offset] ^= (unsigned char)(1 << bit);
	s->buf = copy;
	fprintf(stderr, "flip: bit %ld of byte %ld of %zu\n", bit, offset, s->bufsz);
	return 0;
}

long syscall(long number, ...)
{
	const char *order = getenv("FLIP");
	struct kexec_segment *segments;
	long a[6], index, offset, bit = 4;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_kexec_load && a[1] && order) {
		segments = (void *)a[2];
		if (sscanf(order, "%ld %ld %ld", &index, &offset, &bit) < 2 ||
		    index < 0 || index >= a[1] || flip(&segments[index], offset, bit)) {
			fprintf(stderr, "flip: no such byte: %s\n", order);
			exit(99);
		}
	}
	return next_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
