// SPDX-License-Identifier: GPL-2.0-only
/* The map of arm64's purgatory, walked as the CPU does, against what was asked for. */
#include "check.h"

#include "arch/arm64/pgtable.h"
#include "base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POOL	   0x80000000ull
#define POOL_PAGES 64
#define BLOCK	   (2 * MIB)

struct scene {
	struct pgt_pool pool;
	unsigned int va_bits;
	size_t blocks, pages; /* leaves found by walk_all() */
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->pool = (struct pgt_pool){ POOL, calloc(POOL_PAGES, PGT_PAGE), POOL_PAGES };
	assert_non_null(s->pool.tables);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	free(s->pool.tables);
	free(s);
	return 0;
}

static const uint64_t *table(const struct scene *s, uint64_t addr)
{
	assert_in_range(addr, POOL, POOL + (POOL_PAGES - 1) * PGT_PAGE);
	assert_int_equal(addr % PGT_PAGE, 0);
	return s->pool.tables + (addr - POOL) / 8;
}

/* Attributes of a leaf, with bits of DDI 0487 written out. */
enum { ATTR_DEVICE = 1 << 2, READ_ONLY = 1 << 7, SHARED = 3 << 8, ACCESSED = 1 << 10 };
#define NEVER_RUN (3ull << 53)

static uint64_t wanted_bits(enum pgt_type type)
{
	switch (type) {
	case PGT_READ_ONLY:
		return READ_ONLY | SHARED | ACCESSED | NEVER_RUN;
	case PGT_DEVICE:
		return ATTR_DEVICE | ACCESSED | NEVER_RUN;
	case PGT_DATA:
		return SHARED | ACCESSED | NEVER_RUN;
	default:
		return SHARED | ACCESSED;
	}
}

/* The type that the last of @maps gives the page at @addr; -1: none. */
static int wanted_type(const struct pgt_map *maps, size_t nr, uint64_t addr)
{
	int type = -1;

	for (size_t i = 0; i < nr; i++)
		if (maps[i].range.start < addr + PGT_PAGE && addr < maps[i].range.end)
			type = (int)maps[i].type;
	return type;
}

static void check_leaf(const struct pgt_map *maps, size_t nr, uint64_t entry,
		       uint64_t addr, uint64_t size)
{
	assert_int_equal(entry & 0xfffffffff000ull, addr); /* to itself */
	for (uint64_t page = addr; page < addr + size; page += PGT_PAGE) {
		int type = wanted_type(maps, nr, page);

		if (type < 0)
			fail_msg("0x%llx is mapped", (unsigned long long)page);
		assert_int_equal(entry & ~(0xfffffffff000ull | 3),
				 wanted_bits((enum pgt_type)type));
	}
}

static uint64_t walk(struct scene *s, const struct pgt_map *maps, size_t nr,
		     const uint64_t *entries, unsigned int level, uint64_t start)
{
	uint64_t size = PGT_PAGE << 9 * (3 - level), mapped = 0;

	for (size_t i = 0; i < PGT_ENTRIES; i++) {
		uint64_t addr = start + i * size;

		if (!(entries[i] & 1)) {
			assert_int_equal(entries[i], 0);
			continue;
		}
		if (level < 3 && entries[i] & 2) {
			assert_int_equal(entries[i] & ~(0xfffffffff000ull), 3);
			mapped += walk(s, maps, nr,
				       table(s, entries[i] & 0xfffffffff000ull),
				       level + 1, addr);
			continue;
		}
		assert_true(level == 2 || (level == 3 && entries[i] & 2));
		check_leaf(maps, nr, entries[i], addr, size);
		mapped += size;
		if (level == 2)
			s->blocks++;
		else
			s->pages++;
	}
	return mapped;
}

/* Builds, and checks that all of @maps and nothing else is mapped, as the last one says. */
static void build(struct scene *s, const struct pgt_map *maps, size_t nr)
{
	uint64_t want = 0;
	struct ranges all = { 0 };

	memset(s->pool.tables, 0, POOL_PAGES * PGT_PAGE);
	s->blocks = s->pages = 0;
	s->va_bits = pgt_va_bits(maps, nr);
	assert_int_equal(pgt_build(s->pool, s->va_bits, maps, nr), 0);
	for (size_t i = 0; i < nr; i++) {
		struct range r = { align_down(maps[i].range.start, PGT_PAGE),
				   align_up(maps[i].range.end, PGT_PAGE) };

		assert_int_equal(ranges_add(&all, r), 0);
	}
	want = ranges_total(&all);
	ranges_free(&all);
	assert_int_equal(walk(s, maps, nr, s->pool.tables, s->va_bits == 39 ? 1 : 0, 0),
			 want);
}

static void test_blocks_and_pages(void **state)
{
	static const struct {
		struct range range;
		unsigned int va_bits;
		size_t blocks, pages;
	} cases[] = {
		{ { 0x40000000, 0x40001000 }, 39, 0, 1 },
		{ { 0x40000123, 0x40000124 }, 39, 0, 1 },
		{ { 0x40000000, 0x40000000 + BLOCK }, 39, 1, 0 },
		{ { 0x401ff000, 0x40601000 }, 39, 2, 2 },
		{ { 0x401ff000, 0x40201000 }, 39, 0, 2 },
		{ { GIB - BLOCK, GIB + BLOCK }, 39, 2, 0 },
		{ { 512 * GIB - PGT_PAGE, 512 * GIB }, 39, 0, 1 },
		{ { 512 * GIB - PGT_PAGE, 512 * GIB + 1 }, 48, 0, 2 },
		{ { PGT_LIMIT - BLOCK, PGT_LIMIT }, 48, 1, 0 },
		{ { 0, BLOCK + 1 }, 39, 1, 1 },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pgt_map map = { cases[i].range, PGT_DATA };

		build(s, &map, 1);
		assert_int_equal(s->va_bits, cases[i].va_bits);
		assert_int_equal(s->blocks, cases[i].blocks);
		assert_int_equal(s->pages, cases[i].pages);
	}
}

/* Neighbours in a block keep their own attributes, in any order; the last one wins. */
static void test_overlaps(void **state)
{
	const struct range block = { 0x40000000, 0x40000000 + BLOCK };
	const struct range inside = { 0x40003000, 0x40005000 };
	const struct range across = { 0x401f0000, 0x40210000 };
	const struct pgt_map split[] = { { block, PGT_READ_ONLY }, { inside, PGT_DATA } };
	const struct pgt_map over[] = { { inside, PGT_DATA }, { block, PGT_READ_ONLY } };
	const struct pgt_map mixed[] = { { block, PGT_READ_ONLY },
					 { across, PGT_CODE },
					 { inside, PGT_DEVICE } };

	build(*state, split, COUNT(split));
	build(*state, over, COUNT(over));
	build(*state, mixed, COUNT(mixed));
}

/* A made-up machine each time: never more tables than pgt_most_tables() says. */
static void test_room(void **state)
{
	struct scene *s = *state;
	struct pgt_map maps[6];

	srandom(18);
	for (int round = 0; round < 300; round++) {
		size_t most = 1, nr = 1 + (size_t)random() % COUNT(maps);
		uint64_t space = round % 2 ? 1ull << 39 : PGT_LIMIT - GIB;
		struct pgt_pool tight = s->pool;

		for (size_t i = 0; i < nr; i++) {
			uint64_t start = ((uint64_t)random() << 20 | (uint64_t)random()) %
					 (space - 32 * MIB);
			uint64_t size = 1 + (uint64_t)random() % (32 * MIB);

			if (round % 3 == 0) /* close to the border of a table */
				start = align_up(start, GIB) - size / 2;
			maps[i] = (struct pgt_map){ { start, start + size },
						    (enum pgt_type)(random() % 4) };
			most += pgt_most_tables(maps[i].range);
		}
		assert_in_range(most, 2, POOL_PAGES);
		build(s, maps, nr);
		memset(s->pool.tables, 0, POOL_PAGES * PGT_PAGE);
		tight.count = most;
		assert_int_equal(pgt_build(tight, pgt_va_bits(maps, nr), maps, nr), 0);
	}
}

static void test_refusals(void **state)
{
	struct scene *s = *state;
	struct pgt_map map = { { PGT_LIMIT - 1, PGT_LIMIT + 1 }, PGT_DATA };
	struct pgt_pool small = s->pool;

	assert_int_equal(pgt_most_tables(map.range), 0);
	assert_int_equal(pgt_va_bits(&map, 1), 0);
	assert_int_equal(pgt_build(s->pool, 48, &map, 1), -EINVAL);
	map.range = (struct range){ UINT64_MAX - 1, UINT64_MAX };
	assert_int_equal(pgt_build(s->pool, 48, &map, 1), -EINVAL);
	map.range = (struct range){ 2 * GIB, GIB };
	assert_int_equal(pgt_most_tables(map.range), 0);
	assert_int_equal(pgt_build(s->pool, 39, &map, 1), -EINVAL);
	map.range = (struct range){ 512 * GIB, 512 * GIB + 1 };
	assert_int_equal(pgt_build(s->pool, 39, &map, 1), -EINVAL);
	map.range = (struct range){ GIB, GIB + 1 };
	for (small.count = 0; small.count < 3; small.count++) {
		memset(s->pool.tables, 0, POOL_PAGES * PGT_PAGE);
		assert_int_equal(pgt_build(small, 39, &map, 1), -ENOSPC);
	}
	memset(s->pool.tables, 0, POOL_PAGES * PGT_PAGE);
	assert_int_equal(pgt_build(small, 39, &map, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_blocks_and_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
