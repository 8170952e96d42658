// SPDX-License-Identifier: GPL-2.0-only
#include "digest.h"

#include "arch_registers.h"
#include "sha256_parts.h"
#include "traceless.h"

/* SHA-256's padding after a whole chunk: FIPS 180-4, section 5.1.1. */
static const uint8_t chunk_padding[SHA256_BLOCK] = {
	0x80,
	[SHA256_BLOCK - 3] = DIGEST_CHUNK * 8 >> 16 & 0xff,
	[SHA256_BLOCK - 2] = DIGEST_CHUNK * 8 >> 8 & 0xff,
	[SHA256_BLOCK - 1] = DIGEST_CHUNK * 8 & 0xff,
};

/* Bytes of the message length, at the end of the last block. */
#define LENGTH_SIZE 8

static void start(uint32_t state[DIGEST_LANES][SHA256_WORDS])
{
	for (unsigned int lane = 0; lane < DIGEST_LANES; lane++)
		for (unsigned int i = 0; i < SHA256_WORDS; i++)
			state[lane][i] = sha256_initial_state[i];
}

static void store(const uint32_t state[SHA256_WORDS], uint8_t out[SHA256_SIZE])
{
	for (unsigned int i = 0; i < SHA256_WORDS; i++)
		store_be32(out + 4 * i, state[i]);
}

/* Hashes DIGEST_LANES whole chunks, one per lane. */
static void whole_chunks(const uint8_t *data, uint8_t (*out)[SHA256_SIZE])
{
	uint32_t state[DIGEST_LANES][SHA256_WORDS];

	start(state);
	sha256_cpu_absorb(state, data, DIGEST_CHUNK, DIGEST_CHUNK / SHA256_BLOCK);
	sha256_cpu_absorb(state, chunk_padding, 0, 1);
	for (unsigned int lane = 0; lane < DIGEST_LANES; lane++)
		store(state[lane], out[lane]);
}

/* Hashes one chunk, whole or not, when too few are left: all lanes do the same work. */
static void last_chunk(const uint8_t *data, size_t size, uint8_t out[SHA256_SIZE])
{
	size_t rest = size % SHA256_BLOCK;
	size_t tail_blocks = rest < SHA256_BLOCK - LENGTH_SIZE ? 1 : 2;
	uint8_t tail[2 * SHA256_BLOCK] = { 0 };
	uint32_t state[DIGEST_LANES][SHA256_WORDS];
	uint32_t bits = (uint32_t)size * 8; /* fits: a chunk at most */

	start(state);
	sha256_cpu_absorb(state, data, 0, size / SHA256_BLOCK);
	copy_bytes(tail, data + (size - rest), rest);
	tail[rest] = 0x80;
	store_be32(tail + tail_blocks * SHA256_BLOCK - 4, bits);
	sha256_cpu_absorb(state, tail, 0, tail_blocks);
	store(state[0], out);
}

static __attribute__((noinline)) void cpu_chunks(const uint8_t *data, size_t size,
						 uint8_t (*out)[SHA256_SIZE])
{
	while (size >= DIGEST_LANES * DIGEST_CHUNK) {
		whole_chunks(data, out);
		data += DIGEST_LANES * DIGEST_CHUNK;
		size -= DIGEST_LANES * DIGEST_CHUNK;
		out += DIGEST_LANES;
	}
	while (size) {
		size_t part = size < DIGEST_CHUNK ? size : DIGEST_CHUNK;

		last_chunk(data, part, *out++);
		data += part;
		size -= part;
	}
}

static void portable_chunks(const uint8_t *data, size_t size, uint8_t (*out)[SHA256_SIZE])
{
	while (size) {
		size_t part = size < DIGEST_CHUNK ? size : DIGEST_CHUNK;

		sha256(data, part, *out++);
		data += part;
		size -= part;
	}
}

void digest_chunk_run(enum digest_impl impl, const void *data, size_t size,
		      uint8_t (*out)[SHA256_SIZE])
{
	if (impl == DIGEST_CPU_SHA) {
		cpu_chunks(data, size, out);
		wipe_dead_stack();
		return;
	}
	portable_chunks(data, size, out);
}

void digest_range(enum digest_impl impl, const void *data, size_t size,
		  uint8_t out[SHA256_SIZE])
{
	const size_t sizeof_lanes = (size_t)DIGEST_LANES * DIGEST_CHUNK;
	uint8_t chunks[DIGEST_LANES][SHA256_SIZE];
	const uint8_t *p = data;
	struct sha256 root;

	sha256_init(&root);
	while (size) {
		size_t part = size < sizeof_lanes ? size : sizeof_lanes;

		digest_chunk_run(impl, p, part, chunks);
		sha256_update(&root, chunks, digest_chunks(part) * SHA256_SIZE);
		p += part;
		size -= part;
	}
	sha256_final(&root, out);
}
