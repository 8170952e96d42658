// SPDX-License-Identifier: GPL-2.0-only
/* Every implementation of SHA-256 against published test vectors. */
#include "check.h"
#include "traces.h"
#include "digest_impls.h"

#include "sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_digest(const uint8_t digest[SHA256_SIZE], const char *expected)
{
	char text[2 * SHA256_SIZE + 1];

	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, expected);
}

/* NIST's examples for FIPS 180-4, and the empty message. */
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

/* One chunk's digest is SHA-256 itself; an empty range has no chunk. */
static void hash(enum digest_impl impl, const void *data, size_t size,
		 uint8_t digest[SHA256_SIZE])
{
	assert_true(size <= DIGEST_CHUNK);
	if (impl == DIGEST_PORTABLE || !size)
		sha256(data, size, digest);
	else
		digest_chunk_run(impl, data, size, (uint8_t(*)[SHA256_SIZE])digest);
}

static void test_known_answers(void **state)
{
	uint8_t digest[SHA256_SIZE];

	(void)state;
	FOR_EACH_IMPL(impl)
	{
		for (size_t i = 0; i < COUNT(known); i++) {
			hash(impl, known[i].message, strlen(known[i].message), digest);
			assert_digest(digest, known[i].digest);
		}
	}
}

static size_t from_hex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(sscanf(text + 2 * i, "%2hhx", &out[i]), 1);
	return n;
}

static const struct {
	const char *message, *digest;
} short_messages[] = {
#include "data/sha256/short_messages.inc"
};

static void test_short_messages(void **state)
{
	uint8_t message[SHA256_BLOCK], digest[SHA256_SIZE];

	(void)state;
	FOR_EACH_IMPL(impl)
	{
		for (size_t i = 0; i < COUNT(short_messages); i++) {
			size_t size = from_hex(short_messages[i].message, message);

			assert_int_equal(size, i);
			hash(impl, message, size, digest);
			assert_digest(digest, short_messages[i].digest);
		}
	}
}

static const struct {
	size_t size;
	const char *digest;
} long_messages[] = {
#include "data/sha256/long_messages.inc"
};

static void test_long_messages(void **state)
{
	uint8_t message[6400], digest[SHA256_SIZE];

	(void)state;
	FOR_EACH_IMPL(impl)
	{
		for (size_t n = 0; n < COUNT(long_messages); n++) {
			size_t size = long_messages[n].size;

			assert_true(size <= sizeof(message));
			for (size_t i = 0; i < size; i++)
				message[i] = (uint8_t)((i * i + size) >> 3);
			hash(impl, message, size, digest);
			assert_digest(digest, long_messages[n].digest);
		}
	}
}

static const char *const monte_carlo[] = {
#include "data/sha256/monte_carlo.inc"
};

/* The Secure Hash Algorithm Validation System (NIST), section 6.4. */
static void test_monte_carlo(void **state)
{
	uint8_t last[3][SHA256_SIZE], digest[SHA256_SIZE];

	(void)state;
	assert_int_equal(COUNT(monte_carlo), 101);
	FOR_EACH_IMPL(impl)
	{
		from_hex(monte_carlo[0], digest);
		for (size_t i = 1; i < COUNT(monte_carlo); i++) {
			for (int k = 0; k < 3; k++)
				memcpy(last[k], digest, SHA256_SIZE);
			for (int k = 0; k < 1000; k++) {
				hash(impl, last, sizeof(last), digest);
				memmove(last[0], last[1], 2 * SHA256_SIZE);
				memcpy(last[2], digest, SHA256_SIZE);
			}
			assert_digest(digest, monte_carlo[i]);
		}
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
 * The digest of the digests of all lengths, by Python's hashlib:
 *   d = bytes((i * 37 + 11) % 256 for i in range(300))
 *   sha256(b"".join(sha256(d[:n]).digest() for n in range(301)))
 */
static void test_every_length(void **state)
{
	uint8_t data[LONGEST], digests[LONGEST + 1][SHA256_SIZE], all[SHA256_SIZE];

	(void)state;
	fill(data, sizeof(data));
	FOR_EACH_IMPL(impl)
	{
		for (size_t n = 0; n <= LONGEST; n++)
			hash(impl, data, n, digests[n]);
		sha256(digests, sizeof(digests), all);
		assert_digest(all,
			      "04fb0a96a55968fbda07295fecba14af486380896cc1d6946aa2da7478"
			      "e5d0ba");
	}
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

static void test_the_schedule_is_wiped(void **state)
{
	static const uint8_t message[32] = "\xc5\x17\x9e\x62 a seed of thirty-two bytes.";
	struct vector_registers regs;
	uint8_t digest[SHA256_SIZE];
	struct traces traces;

	(void)state;
	sha256(message, sizeof(message), digest);
	traces_take_registers(&regs);
	traces_take_stack();
	traces_of(message, sizeof(message), &traces);
	assert_int_equal(traces_on_stack(&traces), 0);
	assert_int_equal(traces_in_registers(&traces, &regs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_processor_has_sha_ni),
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_short_messages),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_monte_carlo),
		cmocka_unit_test(test_a_million_times_a),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_any_split),
		cmocka_unit_test(test_unaligned),
		cmocka_unit_test(test_the_context_is_wiped),
		cmocka_unit_test(test_the_schedule_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
