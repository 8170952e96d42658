// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 with the instructions of Zknh, which work on ordinary registers: one message
 * after the other keeps the CPU as busy as several at a time. Encoded by number, so that
 * no assembler has to know them.
 */
#include "sha256_parts.h"

#include "traceless.h"

/* RISC-V Cryptography Extensions, "sha256sum0" and so on: OP-IMM, funct3 1, this number. */
#define ZKNH(name, number)                                                               \
	static inline uint32_t name(uint32_t x)                                          \
	{                                                                                \
		uint64_t y;                                                              \
		__asm__(".insn i 0x13, 1, %0, %1, " #number : "=r"(y) : "r"(x));         \
		return (uint32_t)y;                                                      \
	}
ZKNH(sum0, 0x100)
ZKNH(sum1, 0x101)
ZKNH(sig0, 0x102)
ZKNH(sig1, 0x103)

#define SCHEDULE 16 /* words in use at a time */

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* FIPS 180-4, 6.2.2 */
static void absorb_block(uint32_t state[SHA256_WORDS], const uint8_t *block)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4],
		 f = state[5], g = state[6], h = state[7], w[SCHEDULE];

	for (unsigned int t = 0; t < SHA256_ROUNDS; t++) {
		uint32_t *now = &w[t % SCHEDULE], t1, t2;

		if (t < SCHEDULE)
			*now = load_be32(block + 4 * t);
		else
			*now += sig1(w[(t + 14) % SCHEDULE]) + w[(t + 9) % SCHEDULE] +
				sig0(w[(t + 1) % SCHEDULE]);
		t1 = h + sum1(e) + ((e & f) ^ (~e & g)) + sha256_round_constants[t] +
		     *now;
		t2 = sum0(a) + ((a & b) ^ (a & c) ^ (b & c));
		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
	wipe(w, sizeof(w));
}

void sha256_cpu_absorb(uint32_t state[DIGEST_LANES][SHA256_WORDS], const uint8_t *data,
		       size_t stride, size_t blocks)
{
	for (; blocks; blocks--, data += SHA256_BLOCK)
		for (unsigned int lane = 0; lane < DIGEST_LANES; lane++)
			absorb_block(state[lane], data + lane * stride);
}

void sha256_cpu_wipe(void)
{
}
