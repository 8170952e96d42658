// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds page tables in memory that pretends to be elsewhere, and walks them with code of
 * its own, as a CPU does.
 */
#include "purgatory/arch/x86/pgtable.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GIB   (1ULL << 30)
#define MIB   (1ULL << 20)
#define C_BIT (1ULL << 51)

#define POOL 0x17c0ff000ULL
#define SELF ((struct purgatory_map){ 0x27ffff000ULL, 0x280006000ULL })

struct arena {
	uint8_t *bytes;
	uint64_t pages;
	struct pgt_request req;
};

static const struct purgatory_map nothing[PURGATORY_MAX_MEMORY];

static void arena_make(struct arena *a, uint64_t pages, const struct purgatory_map *maps,
		       uint32_t nr)
{
	a->pages = pages;
	a->bytes = aligned_alloc(PGT_PAGE_SIZE, (pages + 1) * PGT_PAGE_SIZE);
	assert_non_null(a->bytes);
	memset(a->bytes, 0, pages * PGT_PAGE_SIZE);
	memset(a->bytes + pages * PGT_PAGE_SIZE, 0x5a, PGT_PAGE_SIZE); /* a guard */
	a->req = (struct pgt_request){
		.memory = { .offset = (uint64_t)(uintptr_t)a->bytes - POOL },
		.pool = POOL,
		.pages = pages,
		.maps = maps,
		.nr_maps = nr,
		.read_only = nothing,
		.self = SELF,
	};
}

static void arena_free(struct arena *a)
{
	for (uint64_t i = 0; i < PGT_PAGE_SIZE; i++)
		assert_int_equal(a->bytes[a->pages * PGT_PAGE_SIZE + i], 0x5a);
	free(a->bytes);
}

static uint64_t read_word(const struct arena *a, uint64_t addr)
{
	uint64_t word;

	assert_true(addr >= a->req.pool);
	assert_true(addr - a->req.pool + 8 <= a->pages * PGT_PAGE_SIZE);
	memcpy(&word, a->bytes + (addr - a->req.pool), sizeof(word));
	return word;
}

/* True if @addr shares its large page with one of @maps. */
static bool is_in(const struct purgatory_map *maps, uint32_t nr, uint64_t addr)
{
	uint64_t start = addr & ~(2 * MIB - 1), end = start + 2 * MIB;

	for (uint32_t i = 0; i < nr; i++)
		if (maps[i].start < maps[i].end && maps[i].start < end &&
		    start < maps[i].end)
			return true;
	return false;
}

/* True if the kernel or the purgatory may write to and run what is at @addr. */
static bool is_writable(const struct arena *a, uint64_t addr)
{
	struct purgatory_map pool = { a->req.pool,
				      a->req.pool + a->pages * PGT_PAGE_SIZE };

	return addr < 4 * GIB || is_in(&a->req.self, 1, addr) || is_in(&pool, 1, addr) ||
	       is_in(a->req.maps, a->req.nr_maps, addr);
}

static bool is_wanted(const struct arena *a, uint64_t addr)
{
	return is_writable(a, addr) ||
	       is_in(a->req.read_only, PURGATORY_MAX_MEMORY, addr);
}

/* Translates @addr into *@to; false when it is not mapped. */
static bool walk(const struct arena *a, uint64_t cr3, uint64_t addr, uint64_t *to)
{
	bool writable = is_writable(a, addr);
	static const int shifts[] = { 48, 39, 30, 21 };
	uint64_t attributes = a->req.attributes, entry = cr3;

	for (int i = a->req.la57 ? 0 : 1; i < 4; i++) {
		uint64_t table = entry & ~attributes & 0x000ffffffffff000ULL;

		assert_int_equal(entry & attributes, attributes);
		entry = read_word(a, table + ((addr >> shifts[i]) & 0x1ff) * 8);
		if (!(entry & 1))
			return false;
		assert_int_equal(entry & 0x20, 0x20); /* accessed: no CPU writes it */
		/* and dirty where it can be written to */
		assert_int_equal(entry & 0x40, i == 3 && writable ? 0x40 : 0);
		assert_int_equal(entry & 2, i < 3 || writable ? 2 : 0);
		assert_int_equal(entry & 4, 0); /* supervisor only */
		assert_int_equal(entry >> 63, i == 3 && !writable && a->req.no_execute);
		assert_int_equal((entry >> 7) & 1, i == 3); /* only the last is large */
	}
	assert_int_equal(entry & attributes, attributes);
	*to = (entry & ~attributes & 0x000fffffffe00000ULL) | (addr & 0x1fffff);
	return true;
}

static void check_address(const struct arena *a, uint64_t cr3, uint64_t addr)
{
	bool wanted = is_wanted(a, addr);
	uint64_t to = 0;

	if (walk(a, cr3, addr, &to) != wanted)
		fail_msg("0x%llx is %smapped", (unsigned long long)addr,
			 wanted ? "not " : "");
	if (wanted)
		assert_int_equal(to, addr);
}

static uint64_t random_address(unsigned int bits)
{
	uint64_t r =
		(uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();

	return r & ((1ULL << bits) - 1);
}

static void check_all(const struct arena *a, uint64_t cr3)
{
	static const int64_t near[] = { -1, 0, 1, -0x1000, 0x1000, -0x200000, 0x200000 };

	for (int i = 0; i < 20000; i++)
		check_address(a, cr3, random_address(32 + (unsigned int)i % 16));
	for (uint32_t i = 0; i < a->req.nr_maps; i++) {
		for (size_t k = 0; k < sizeof(near) / sizeof(near[0]); k++) {
			uint64_t at = a->req.maps[i].start + (uint64_t)near[k];

			if (at < PGT_LIMIT)
				check_address(a, cr3, at);
			at = a->req.maps[i].end + (uint64_t)near[k];
			if (at < PGT_LIMIT)
				check_address(a, cr3, at);
		}
	}
	check_address(a, cr3, 4 * GIB - 1);
	check_address(a, cr3, 4 * GIB);
	check_address(a, cr3, a->req.pool);
	check_address(a, cr3, a->req.self.start);
	check_address(a, cr3, a->req.self.end - 1);
	check_address(a, cr3, PGT_LIMIT - 1);
}

static const struct purgatory_map typical[] = {
	{ 0x100000, 0x4000000 },		/* inside the low 4 GiB */
	{ 4 * GIB - 0x1000, 4 * GIB + 0x1000 }, /* across their end */
	{ 0x280000000, 0x2a0001000 },		/* one byte of a page counts */
	{ 512 * GIB - 0x1000, 512 * GIB + 1 },	/* across the end of a table */
	{ 0x123456789abc, 0x123456789abd },	/* one byte, high up */
	{ PGT_LIMIT - 1, PGT_LIMIT },		/* the last one */
	{ 77 * GIB + 5, 77 * GIB + 5 },		/* nothing */
	{ 0x280000000, 0x2a0000000 },		/* already mapped */
};
#define NR_TYPICAL (sizeof(typical) / sizeof(typical[0]))

static void test_identity(void **state)
{
	(void)state;
	srandom(2);
	for (int i = 0; i < 4; i++) {
		struct arena a;
		uint64_t cr3 = 0;

		arena_make(&a, purgatory_pgt_pages(typical, NR_TYPICAL), typical,
			   NR_TYPICAL);
		a.req.la57 = i & 1;
		a.req.attributes = i & 2 ? C_BIT : 0;
		assert_int_equal(pgt_build(&a.req, &cr3), PGT_OK);
		assert_int_equal(cr3, POOL | a.req.attributes);
		check_all(&a, cr3);
		arena_free(&a);
	}
}

/* Memory that is only read: alone, next to what is written, below 4 GiB. */
static void test_read_only(void **state)
{
	static const struct purgatory_map ranges[][PURGATORY_MAX_MEMORY] = {
		{ { 7 * GIB, 7 * GIB + 1 }, { 900 * GIB - 1, 901 * GIB + 1 } },
		{ { 0x27ffffff0, 0x280000001 }, { 0x29fffffff, 0x2a0200001 } },
		{ { 4 * GIB - 1, 4 * GIB + 1 }, { POOL, POOL + 1 } },
		{ { 0x10000000, 0x10800000 }, { PGT_LIMIT - 1, PGT_LIMIT } },
	};

	(void)state;
	srandom(4);
	for (size_t i = 0; i < 4 * sizeof(ranges) / sizeof(ranges[0]); i++) {
		const struct purgatory_map *only = ranges[i / 4];
		struct purgatory_map all[NR_TYPICAL + PURGATORY_MAX_MEMORY];
		struct arena a;
		uint64_t cr3;

		memcpy(all, typical, sizeof(typical));
		memcpy(all + NR_TYPICAL, only, sizeof(ranges[0]));
		arena_make(&a,
			   purgatory_pgt_pages(all, NR_TYPICAL + PURGATORY_MAX_MEMORY),
			   typical, NR_TYPICAL);
		a.req.read_only = only;
		a.req.no_execute = i & 1;
		a.req.attributes = i & 2 ? C_BIT : 0;
		assert_int_equal(pgt_build(&a.req, &cr3), PGT_OK);
		check_all(&a, cr3);
		for (size_t k = 0; k < PURGATORY_MAX_MEMORY; k++) {
			check_address(&a, cr3, only[k].start);
			check_address(&a, cr3, only[k].end - 1);
			check_address(&a, cr3, only[k].start - 2 * MIB);
			if (only[k].end < PGT_LIMIT)
				check_address(&a, cr3, only[k].end + 2 * MIB);
		}
		arena_free(&a);
	}
}

static void test_any_maps(void **state)
{
	(void)state;
	srandom(3);
	for (int round = 0; round < 100; round++) {
		struct purgatory_map maps[PURGATORY_MAX_MAPS];
		struct arena a;
		uint64_t cr3 = 0;

		for (int i = 0; i < PURGATORY_MAX_MAPS; i++) {
			maps[i].start = random_address(30 + (unsigned int)random() % 18);
			maps[i].end = maps[i].start + random_address(31);
			if (maps[i].end > PGT_LIMIT)
				maps[i].end = PGT_LIMIT;
		}
		arena_make(&a, purgatory_pgt_pages(maps, PURGATORY_MAX_MAPS), maps,
			   PURGATORY_MAX_MAPS);
		a.req.la57 = round & 1;
		assert_int_equal(pgt_build(&a.req, &cr3), PGT_OK);
		check_all(&a, cr3);
		arena_free(&a);
	}
}

static void test_count(void **state)
{
	const struct purgatory_map one_gib = { 8 * GIB, 9 * GIB };
	const struct purgatory_map low = { 0, 4 * GIB };
	const struct purgatory_map empty = { 77 * GIB + 5, 77 * GIB + 5 };
	const struct purgatory_map one_byte_more = { 8 * GIB, 9 * GIB + 1 };
	const struct purgatory_map far_up = { 2048 * GIB - 1, 2048 * GIB };
	const struct purgatory_map across = { 2048 * GIB - 1, 2048 * GIB + 1 };
	const struct purgatory_map all[] = { { 0, PGT_LIMIT }, { 0, PGT_LIMIT } };
	const struct purgatory_map reversed = { 2, 1 };
	const struct purgatory_map too_high = { 0, PGT_LIMIT + 1 };
	uint64_t none = purgatory_pgt_pages(NULL, 0);

	(void)state;
	assert_in_range(none, 7, 16);
	assert_int_equal(purgatory_pgt_pages(&low, 1), none);
	assert_int_equal(purgatory_pgt_pages(&empty, 1), none);
	assert_int_equal(purgatory_pgt_pages(&one_gib, 1), none + 1);
	assert_int_equal(purgatory_pgt_pages(&one_byte_more, 1), none + 2);
	assert_int_equal(purgatory_pgt_pages(&far_up, 1), none + 2);
	assert_int_equal(purgatory_pgt_pages(&across, 1), none + 4);
	assert_int_equal(purgatory_pgt_pages(all, 2), 2 + 256 + 131072);
	assert_int_equal(purgatory_pgt_pages(&reversed, 1), 0);
	assert_int_equal(purgatory_pgt_pages(&too_high, 1), 0);
}

/* Purgatory and pool each cross a border between tables of either kind, with 5 levels. */
static void test_the_worst_places(void **state)
{
	uint64_t enough = purgatory_pgt_pages(NULL, 0), cr3;

	(void)state;
	for (uint64_t pages = enough; pages + 1 >= enough; pages--) {
		struct arena a;

		arena_make(&a, pages, NULL, 0);
		a.req.memory.offset += POOL - (1024 * GIB - PGT_PAGE_SIZE);
		a.req.pool = 1024 * GIB - PGT_PAGE_SIZE;
		a.req.self.start = 4096 * GIB - PGT_PAGE_SIZE;
		a.req.self.end = 4096 * GIB + PGT_PAGE_SIZE;
		a.req.la57 = true;
		assert_int_equal(pgt_build(&a.req, &cr3),
				 pages < enough ? PGT_TOO_SMALL : PGT_OK);
		if (pages == enough)
			check_all(&a, cr3);
		arena_free(&a);
	}
}

/* With fewer pages it works or reports it; it never writes outside of them. */
static void test_too_small(void **state)
{
	uint64_t enough = purgatory_pgt_pages(typical, NR_TYPICAL);
	bool refused = false;

	(void)state;
	for (uint64_t pages = 0; pages < enough; pages++) {
		struct arena a;
		uint64_t cr3 = 42;

		arena_make(&a, pages, typical, NR_TYPICAL);
		if (pgt_build(&a.req, &cr3) == PGT_TOO_SMALL) {
			assert_int_equal(cr3, 42);
			refused = true;
		}
		arena_free(&a);
	}
	assert_true(refused);
}

static enum pgt_result build_with(void (*spoil)(struct arena *))
{
	enum pgt_result result;
	uint64_t cr3 = 42;
	struct arena a;

	arena_make(&a, purgatory_pgt_pages(NULL, 0), NULL, 0);
	spoil(&a);
	result = pgt_build(&a.req, &cr3);
	if (result != PGT_OK)
		assert_int_equal(cr3, 42);
	arena_free(&a);
	return result;
}

static void spoil_nothing(struct arena *a)
{
	(void)a;
}

static void spoil_alignment(struct arena *a)
{
	a->req.pool += 8;
}

static void spoil_size(struct arena *a)
{
	a->req.pages = UINT64_MAX;
}

static void spoil_place(struct arena *a)
{
	a->req.pool = UINT64_MAX - PGT_PAGE_SIZE + 1;
}

static void move_pool(struct arena *a, uint64_t to)
{
	a->req.memory.offset += a->req.pool - to;
	a->req.pool = to;
}

static void put_pool_last(struct arena *a)
{
	move_pool(a, PGT_LIMIT - a->pages * PGT_PAGE_SIZE);
}

static void spoil_end(struct arena *a)
{
	move_pool(a, PGT_LIMIT - (a->pages - 1) * PGT_PAGE_SIZE);
}

static void spoil_first_page(struct arena *a)
{
	a->bytes[0] = 1;
}

static void spoil_later_page(struct arena *a)
{
	a->bytes[3 * PGT_PAGE_SIZE - 1] = 0x80;
}

static void spoil_maps(struct arena *a)
{
	static const struct purgatory_map bad = { GIB, 0 };

	a->req.maps = &bad;
	a->req.nr_maps = 1;
}

static void spoil_read_only(struct arena *a)
{
	static const struct purgatory_map bad[PURGATORY_MAX_MEMORY] = { { GIB, 0 } };

	a->req.read_only = bad;
}

static void test_refusals(void **state)
{
	(void)state;
	assert_int_equal(build_with(spoil_nothing), PGT_OK);
	assert_int_equal(build_with(spoil_alignment), PGT_UNALIGNED);
	assert_int_equal(build_with(spoil_size), PGT_UNALIGNED);
	assert_int_equal(build_with(spoil_place), PGT_UNALIGNED);
	assert_int_equal(build_with(put_pool_last), PGT_OK);
	assert_int_equal(build_with(spoil_end), PGT_UNALIGNED);
	assert_int_equal(build_with(spoil_first_page), PGT_NOT_ZEROED);
	assert_int_equal(build_with(spoil_later_page), PGT_NOT_ZEROED);
	assert_int_equal(build_with(spoil_maps), PGT_BAD_MAP);
	assert_int_equal(build_with(spoil_read_only), PGT_BAD_MAP);
}

/* An old kernel's tables: four or five levels that end in a page of @leaf_level. */
static uint64_t old_tables(struct arena *a, bool la57, int leaf_level, uint64_t addr,
			   uint64_t leads_to, uint64_t attributes)
{
	int top = la57 ? 5 : 4;

	arena_make(a, 5, NULL, 0);
	for (int level = top; level >= leaf_level; level--) {
		uint64_t place = (uint64_t)(top - level) * PGT_PAGE_SIZE;
		uint64_t index = (addr >> (12 + 9 * (level - 1))) & 0x1ff;
		uint64_t entry = (POOL + place + PGT_PAGE_SIZE) | 0x63 | attributes;

		if (level == leaf_level)
			entry = (leads_to & ~((PGT_PAGE_SIZE << (9 * (level - 1))) - 1)) |
				(level > 1 ? 0xe3 : 0x63) | attributes;
		memcpy(a->bytes + place + index * 8, &entry, sizeof(entry));
	}
	return POOL;
}

static void test_attributes(void **state)
{
	static const uint64_t bits[] = { 0, 1ULL << 47, C_BIT };
	/* bits of the old kernel: no execution, a protection key, a software bit */
	const uint64_t not_ours = 1ULL << 63 | 1ULL << 59 | 1ULL << 52;
	const uint64_t addr = 0x2a7654000;

	(void)state;
	for (int i = 0; i < 18; i++) {
		bool la57 = i & 1;
		int level = 1 + i / 2 % 3;
		uint64_t want = bits[i / 6], cr3, got;
		struct arena a;

		cr3 = old_tables(&a, la57, level, addr, addr, want | not_ours);
		got = pgt_attributes(a.req.memory, cr3, la57, addr);
		assert_int_equal(got, want);
		/* CR3 has the bit on some machines, and low bits of its own on others. */
		got = pgt_attributes(a.req.memory, cr3 | want | 0x18, la57, addr);
		assert_int_equal(got, want);
		/* An unmapped address has none. */
		got = pgt_attributes(a.req.memory, cr3, la57, addr + (64 * GIB));
		assert_int_equal(got, 0);
		arena_free(&a);

		/* A mapping to elsewhere tells nothing. */
		cr3 = old_tables(&a, la57, level, addr, addr + 2 * GIB, want);
		got = pgt_attributes(a.req.memory, cr3, la57, addr);
		assert_int_equal(got, 0);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_any_maps),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_the_worst_places),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
