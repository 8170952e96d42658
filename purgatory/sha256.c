// SPDX-License-Identifier: GPL-2.0-only
/*
 * SHA-256 as in FIPS 180-4, whose section numbers are used below.
 *
 * The same source runs in user space and in the purgatory, which has no C library: only
 * compiler builtins are used. Portable, one message at a time; sha256_ni.c uses the SHA
 * extensions.
 */
#include "arch_registers.h"
#include "sha256_parts.h"
#include "traceless.h"

#define UNROLL 16 /* rounds per iteration, so that words have fixed indices */

/* Section 4.2.2: the fractional parts of the cube roots of the first 64 primes. */
_Alignas(16) const uint32_t sha256_round_constants[SHA256_ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Section 5.3.3: the fractional parts of the square roots of the first 8 primes. */
const uint32_t sha256_initial_state[SHA256_WORDS] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline uint32_t ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	uint32_t x;

	__builtin_memcpy(&x, p, sizeof(x));
	return __builtin_bswap32(x);
}

/*
 * Section 4.1.2. The sums are nested: ((x >>> 9 ^ x) >>> 11 ^ x) >>> 2 for rotations by
 * 2, 13 and 22. That saves copies on CPUs whose rotate overwrites its operand.
 * big_sigma1() is not nested, because the next round waits for it: its rotations run in
 * parallel.
 */
static inline uint32_t big_sigma1(uint32_t x)
{
	return ror(x, 6) ^ ror(x, 11) ^ ror(x, 25);
}

static inline uint32_t big_sigma0(uint32_t x)
{
	return ror(ror(ror(x, 9) ^ x, 11) ^ x, 2);
}

static inline uint32_t small_sigma0(uint32_t x)
{
	return ror(ror(x, 11) ^ x, 7) ^ x >> 3;
}

static inline uint32_t small_sigma1(uint32_t x)
{
	return ror(ror(x, 2) ^ x, 17) ^ x >> 10;
}

/*
 * Section 6.2.2, step 3. The eight variables stay in place; each round renames them by
 * one instead. a ^ b is the next round's b ^ c, which the majority function needs, so @bc
 * passes it on.
 */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                 \
	do {                                                                             \
		uint32_t ab = (a) ^ (b);                                                 \
                                                                                         \
		(h) += big_sigma1(e) + ((g) ^ ((e) & ((f) ^ (g)))) + k[i] + w[i];        \
		(d) += (h);                                                              \
		(h) += big_sigma0(a) + ((b) ^ (ab & bc));                                \
		bc = ab;                                                                 \
	} while (0)

/* Section 6.2.2, step 1: the message gives the first 16 words of the schedule ... */
#define LOAD(i) w[i] = load_be32(data + 4 * (i))

/* ... and each later one replaces the word 16 before it. */
#define NEXT(i)                                                                          \
	w[i] += small_sigma1(w[((i) + 14) % UNROLL]) + w[((i) + 9) % UNROLL] +           \
		small_sigma0(w[((i) + 1) % UNROLL])

/* Computes each word right before its round, so that neither waits long for the other. */
#define EIGHT_ROUNDS(WORD, i)                                                            \
	do {                                                                             \
		WORD((i) + 0);                                                           \
		ROUND(a, b, c, d, e, f, g, h, (i) + 0);                                  \
		WORD((i) + 1);                                                           \
		ROUND(h, a, b, c, d, e, f, g, (i) + 1);                                  \
		WORD((i) + 2);                                                           \
		ROUND(g, h, a, b, c, d, e, f, (i) + 2);                                  \
		WORD((i) + 3);                                                           \
		ROUND(f, g, h, a, b, c, d, e, (i) + 3);                                  \
		WORD((i) + 4);                                                           \
		ROUND(e, f, g, h, a, b, c, d, (i) + 4);                                  \
		WORD((i) + 5);                                                           \
		ROUND(d, e, f, g, h, a, b, c, (i) + 5);                                  \
		WORD((i) + 6);                                                           \
		ROUND(c, d, e, f, g, h, a, b, (i) + 6);                                  \
		WORD((i) + 7);                                                           \
		ROUND(b, c, d, e, f, g, h, a, (i) + 7);                                  \
	} while (0)

static void absorb_block(uint32_t state[8], const uint8_t *data, uint32_t w[UNROLL])
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	const uint32_t *k = sha256_round_constants;
	uint32_t bc = b ^ c;

	EIGHT_ROUNDS(LOAD, 0);
	EIGHT_ROUNDS(LOAD, 8);
	for (k += UNROLL; k < sha256_round_constants + SHA256_ROUNDS; k += UNROLL) {
		EIGHT_ROUNDS(NEXT, 0);
		EIGHT_ROUNDS(NEXT, 8);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

static __attribute__((noinline)) void absorb_blocks(uint32_t state[8],
						    const uint8_t *data, size_t blocks)
{
	uint32_t w[UNROLL];

	for (; blocks; blocks--, data += SHA256_BLOCK)
		absorb_block(state, data, w);
}

/* Absorbs @blocks whole blocks at @data into @state; leaves no word of them behind. */
static void absorb(uint32_t state[8], const uint8_t *data, size_t blocks)
{
	absorb_blocks(state, data, blocks);
	wipe_dead_stack();
	wipe_vectors();
}

void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){ 0 };
	for (int i = 0; i < SHA256_WORDS; i++)
		s->state[i] = sha256_initial_state[i];
}

void sha256_update(struct sha256 *s, const void *data, size_t size)
{
	size_t held = s->total % SHA256_BLOCK;
	const uint8_t *p = data;

	s->total += size;
	if (held) {
		size_t room = SHA256_BLOCK - held;
		size_t part = size < room ? size : room;

		copy_bytes(s->block + held, p, part);
		if (size < room)
			return;
		absorb(s->state, s->block, 1);
		p += part;
		size -= part;
	}
	if (size >= SHA256_BLOCK)
		absorb(s->state, p, size / SHA256_BLOCK);
	if (size % SHA256_BLOCK)
		copy_bytes(s->block, p + size / SHA256_BLOCK * SHA256_BLOCK,
			   size % SHA256_BLOCK);
}

void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
	size_t held = s->total % SHA256_BLOCK;
	uint64_t bits = s->total * 8;

	/* Section 5.1.1: a one bit, zeroes, and the length in the last eight bytes. */
	s->block[held++] = 0x80;
	__builtin_memset(s->block + held, 0, SHA256_BLOCK - held);
	if (held > SHA256_BLOCK - 8) {
		absorb(s->state, s->block, 1);
		__builtin_memset(s->block, 0, SHA256_BLOCK);
	}
	store_be32(s->block + SHA256_BLOCK - 8, (uint32_t)(bits >> 32));
	store_be32(s->block + SHA256_BLOCK - 4, (uint32_t)bits);
	absorb(s->state, s->block, 1);
	for (int i = 0; i < SHA256_WORDS; i++)
		store_be32(out + 4 * i, s->state[i]);
	wipe(s, sizeof(*s));
}

void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, data, size);
	sha256_final(&s, out);
}
