// SPDX-License-Identifier: GPL-2.0-only
#include "sha256.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_digest(const uint8_t digest[SHA256_SIZE], const char *expected)
{
	char text[2 * SHA256_SIZE + 1];

	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, expected);
}

/* The examples that NIST publishes with FIPS 180-4, and its empty message. */
static const struct {
	const char *message;
	const char *digest;
} known[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

static void test_known_answers(void **state)
{
	uint8_t digest[SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		sha256(known[i].message, strlen(known[i].message), digest);
		assert_digest(digest, known[i].digest);
	}
}

static void test_a_million_times_a(void **state)
{
	uint8_t digest[SHA256_SIZE], chunk[1000];
	struct sha256 s;

	(void)state;
	memset(chunk, 'a', sizeof(chunk));
	sha256_init(&s);
	for (int i = 0; i < 1000; i++)
		sha256_update(&s, chunk, sizeof(chunk));
	sha256_final(&s, digest);
	assert_digest(digest,
		      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

#define LONGEST 300

static void fill(uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 37 + 11);
}

/*
 * The digest of the digests of all lengths, as Python's hashlib has it:
 *   d = bytes((i * 37 + 11) % 256 for i in range(300))
 *   sha256(b"".join(sha256(d[:n]).digest() for n in range(301)))
 */
static void test_every_length(void **state)
{
	uint8_t data[LONGEST], digests[LONGEST + 1][SHA256_SIZE], all[SHA256_SIZE];

	(void)state;
	fill(data, sizeof(data));
	for (size_t n = 0; n <= LONGEST; n++)
		sha256(data, n, digests[n]);
	sha256(digests, sizeof(digests), all);
	assert_digest(all,
		      "04fb0a96a55968fbda07295fecba14af486380896cc1d6946aa2da7478e5d0ba");
}

static void test_any_split(void **state)
{
	uint8_t data[LONGEST], whole[SHA256_SIZE], parts[SHA256_SIZE];

	(void)state;
	fill(data, sizeof(data));
	srandom(1);
	for (size_t n = 0; n <= LONGEST; n++) {
		sha256(data, n, whole);
		for (int round = 0; round < 20; round++) {
			struct sha256 s;
			size_t done = 0;

			sha256_init(&s);
			while (done < n) {
				size_t part = (size_t)random() % (n - done + 1);

				sha256_update(&s, data + done, part);
				done += part;
			}
			sha256_final(&s, parts);
			assert_memory_equal(whole, parts, sizeof(whole));
		}
	}
}

static void test_unaligned(void **state)
{
	uint8_t data[LONGEST + 16], moved[LONGEST + 16], a[SHA256_SIZE], b[SHA256_SIZE];

	(void)state;
	fill(data, sizeof(data));
	sha256(data, LONGEST, a);
	for (size_t shift = 1; shift < 16; shift++) {
		memcpy(moved + shift, data, LONGEST);
		sha256(moved + shift, LONGEST, b);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void test_the_context_is_wiped(void **state)
{
	const struct sha256 zero = { 0 };
	uint8_t digest[SHA256_SIZE];
	struct sha256 s;

	(void)state;
	sha256_init(&s);
	sha256_update(&s, "secret", 6);
	sha256_final(&s, digest);
	assert_memory_equal(&s, &zero, sizeof(s));
}

#define MARK   "\xc5\x17\x9e\x62 a seed of thirty-two bytes."
#define MARKED 32
#define STACK  32768

static uint8_t stack_copy[STACK];

/* What the functions that have returned left below this one's frame. */
static __attribute__((noinline, no_sanitize("address"))) void copy_dead_stack(void)
{
	const volatile uint8_t *here = __builtin_frame_address(0);

	for (size_t i = 0; i < STACK; i++)
		stack_copy[i] = here[(ptrdiff_t)i - STACK];
}

static uint32_t ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* FIPS 180-4, section 6.2.2, step 1, for a message that fits into one block. */
static void expand(const uint8_t *message, uint32_t size, uint32_t w[64])
{
	uint8_t block[SHA256_BLOCK] = { 0 };

	memcpy(block, message, size);
	block[size] = 0x80;
	block[SHA256_BLOCK - 2] = (uint8_t)(size * 8 >> 8);
	block[SHA256_BLOCK - 1] = (uint8_t)(size * 8);
	for (int t = 0; t < 64; t++) {
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

/* How many of the schedule's words are still on the stack, but for those of the padding. */
static size_t count_traces(const uint32_t w[64])
{
	size_t found = 0;

	for (size_t i = 0; i + 4 <= STACK; i += 4) {
		uint32_t there;

		memcpy(&there, stack_copy + i, 4);
		for (int t = 0; t < 64; t++)
			found += w[t] > 0xffff && w[t] != 0x80000000 && there == w[t];
	}
	return found;
}

static void test_the_schedule_is_wiped(void **state)
{
	static const uint8_t message[MARKED] = MARK;
	uint8_t digest[SHA256_SIZE];
	uint32_t w[64];

	(void)state;
	sha256(message, sizeof(message), digest);
	copy_dead_stack();
	expand(message, sizeof(message), w);
	assert_int_equal(count_traces(w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_a_million_times_a),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_any_split),
		cmocka_unit_test(test_unaligned),
		cmocka_unit_test(test_the_context_is_wiped),
		cmocka_unit_test(test_the_schedule_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
