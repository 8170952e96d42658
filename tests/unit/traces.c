// SPDX-License-Identifier: GPL-2.0-only
#include "traces.h"

#include "sha256.h"

#include <string.h>

#define STACK 131072

static uint8_t stack_copy[STACK];

__attribute__((noinline, no_sanitize("address"))) void traces_take_stack(void)
{
	const volatile uint8_t *here = __builtin_frame_address(0);

	for (size_t i = 0; i < STACK; i++)
		stack_copy[i] = here[(ptrdiff_t)i - STACK];
}

static uint32_t ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* FIPS 180-4, section 6.2.2, step 1. */
static void expand(const uint8_t block[SHA256_BLOCK], uint32_t w[TRACES_WORDS])
{
	for (int t = 0; t < TRACES_WORDS; t++) {
		if (t < 16) {
			memcpy(&w[t], block + 4 * t, 4);
			w[t] = __builtin_bswap32(w[t]);
			continue;
		}
		w[t] = (ror(w[t - 2], 17) ^ ror(w[t - 2], 19) ^ w[t - 2] >> 10) +
		       w[t - 7] +
		       (ror(w[t - 15], 7) ^ ror(w[t - 15], 18) ^ w[t - 15] >> 3) +
		       w[t - 16];
	}
}

void traces_of(const void *message, uint32_t size, struct traces *out)
{
	uint8_t block[SHA256_BLOCK] = { 0 };

	memcpy(block, message, size);
	block[size] = 0x80;
	block[SHA256_BLOCK - 2] = (uint8_t)(size * 8 >> 8);
	block[SHA256_BLOCK - 1] = (uint8_t)(size * 8);
	expand(block, out->words);
	for (int t = 0; t < TRACES_WORDS; t++)
		out->wanted[t] = out->words[t] > 0xffff && out->words[t] != 0x80000000;
}

static size_t count(const struct traces *t, const uint8_t *data, size_t size)
{
	size_t found = 0;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint32_t there;

		memcpy(&there, data + i, 4);
		for (int k = 0; k < TRACES_WORDS; k++)
			found +=
				t->wanted[k] && (there == t->words[k] ||
						 there == __builtin_bswap32(t->words[k]));
	}
	return found;
}

size_t traces_on_stack(const struct traces *t)
{
	return count(t, stack_copy, sizeof(stack_copy));
}

size_t traces_in_registers(const struct traces *t, const struct vector_registers *regs)
{
	return count(t, (const uint8_t *)regs, sizeof(*regs));
}
