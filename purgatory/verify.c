// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verifies that memory still holds what the loader put there. Reports every damaged
 * range; the caller decides what follows.
 */
#include "purgatory.h"

#include "digest.h"

#define MIB 0x100000

/* Arrays instead of pointers: a pointer would need a relocation. */
static const char kind_name[][12] = {
	[PURGATORY_KIND_PURGATORY] = "purgatory",
	[PURGATORY_KIND_BOOT_DATA] = ARCH_BOOT_DATA_NAME,
	[PURGATORY_KIND_SEED] = "seed",
	[PURGATORY_KIND_KERNEL] = "kernel",
	[PURGATORY_KIND_INITRD] = "initrd",
	[PURGATORY_KIND_ELFCOREHDR] = "elfcorehdr",
	[PURGATORY_KIND_IMAGE_ID] = "image ID",
};

static const char *name_of(uint32_t kind)
{
	if (kind >= sizeof(kind_name) / sizeof(kind_name[0]))
		return "range";
	return kind_name[kind];
}

static bool is_same(const uint8_t a[SHA256_SIZE], const uint8_t b[SHA256_SIZE])
{
	for (unsigned int i = 0; i < SHA256_SIZE; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

#define SHOWN 8 /* bytes of a digest in a message */

static void to_hex(const uint8_t digest[SHA256_SIZE], char text[2 * SHOWN + 1])
{
	for (unsigned int i = 0; i < 2 * SHOWN; i++)
		text[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 0xf];
	text[2 * SHOWN] = '\0';
}

static void say_digests(const uint8_t actual[SHA256_SIZE],
			const uint8_t expected[SHA256_SIZE])
{
	char is[2 * SHOWN + 1], should_be[2 * SHOWN + 1];

	to_hex(actual, is);
	to_hex(expected, should_be);
	say("  its digest starts with %s instead of %s", is, should_be);
}

static bool verify_range(enum digest_impl impl, const struct purgatory_check *check,
			 const char *consequence)
{
	uint8_t actual[SHA256_SIZE];
	uint64_t end;

	if (__builtin_add_overflow(check->addr, check->size, &end)) {
		say("%s at 0x%lx (%lu bytes) is no range of memory, %s",
		    name_of(check->kind), check->addr, check->size, consequence);
		return false;
	}
	digest_range(impl, (const void *)(uintptr_t)check->addr, check->size, actual);
	if (is_same(actual, check->digest))
		return true;
	say("%s at 0x%lx (%lu bytes) is damaged, %s", name_of(check->kind), check->addr,
	    check->size, consequence);
	say_digests(actual, check->digest);
	return false;
}

static uint64_t total_size(const struct purgatory_params *params)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < params->nr_checks; i++)
		if (__builtin_add_overflow(total, params->checks[i].size, &total))
			return UINT64_MAX;
	return total;
}

bool verify_ranges(const struct purgatory_params *params, enum digest_impl impl,
		   const char *consequence)
{
	bool good = true;

	if (console_is_verbose())
		say("verifying %lu ranges, %lu MiB%s", (uint64_t)params->nr_checks,
		    total_size(params) / MIB,
		    impl == DIGEST_CPU_SHA ? ", with " ARCH_CPU_SHA_NAME : "");
	for (uint32_t i = 0; i < params->nr_checks; i++)
		good &= verify_range(impl, &params->checks[i], consequence);
	if (good && console_is_verbose())
		say("ok");
	return good;
}

bool verify_params(const struct purgatory_params *params, const char *consequence)
{
	static const uint8_t not_checked[SHA256_SIZE];
	uint8_t actual[SHA256_SIZE];

	if (params->nr_checks > PURGATORY_MAX_CHECKS ||
	    params->nr_maps > PURGATORY_MAX_MAPS) {
		say("the parameter block at 0x%lx is damaged (%lu ranges, %lu maps), %s",
		    (uint64_t)(uintptr_t)params, (uint64_t)params->nr_checks,
		    (uint64_t)params->nr_maps, consequence);
		return false;
	}
	if (is_same(params->self_sha256, not_checked))
		return true;
	purgatory_self_digest(params, actual);
	if (is_same(actual, params->self_sha256))
		return true;
	say("the parameter block at 0x%lx is damaged, %s", (uint64_t)(uintptr_t)params,
	    consequence);
	say_digests(actual, params->self_sha256);
	return false;
}
