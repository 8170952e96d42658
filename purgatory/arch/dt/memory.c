// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that compilers call even in freestanding code. An access that is not aligned
 * faults on arm64 while the MMU is off, since all memory is Device memory then, and is
 * slow or faults on riscv64: words only where both sides allow them.
 */
#include <stddef.h>
#include <stdint.h>

#define WORD sizeof(uint64_t)

typedef uint64_t __attribute__((may_alias)) word;

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
	char *d = to;
	const char *s = from;

	if (((uintptr_t)d | (uintptr_t)s) % WORD == 0)
		for (; size >= WORD; size -= WORD, d += WORD, s += WORD)
			*(word *)(void *)d = *(const word *)(const void *)s;
	while (size--)
		*d++ = *s++;
	return to;
}

void *memset(void *to, int value, size_t size)
{
	const word pattern = (uint8_t)value * 0x0101010101010101ULL;
	char *d = to;

	for (; size && (uintptr_t)d % WORD; size--)
		*d++ = (char)value;
	for (; size >= WORD; size -= WORD, d += WORD)
		*(word *)(void *)d = pattern;
	while (size--)
		*d++ = (char)value;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	char *d = (char *)to + size;
	const char *s = (const char *)from + size;

	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	while (size--)
		*--d = *--s;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *p = a, *q = b;

	for (; size; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}
