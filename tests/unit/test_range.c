// SPDX-License-Identifier: GPL-2.0-only
/* Ranges as values: tables of inputs and expected results. */
#include "check.h"

#include "range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RANGES 6

struct set_case {
	struct range start[MAX_RANGES];
	struct range change;
	struct range want[MAX_RANGES];
};

static void fill(struct ranges *set, const struct range *items)
{
	for (size_t i = 0; i < MAX_RANGES && items[i].end; i++)
		assert_int_equal(ranges_add(set, items[i]), 0);
}

static void assert_same(const struct ranges *set, const struct range *want)
{
	size_t n = 0;

	while (n < MAX_RANGES && want[n].end)
		n++;
	assert_int_equal(set->count, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(set->items[i].start, want[i].start);
		assert_int_equal(set->items[i].end, want[i].end);
	}
}

static void test_add(void **state)
{
	static const struct set_case cases[] = {
		{ { { 0 } }, { 5, 9 }, { { 5, 9 } } },
		{ { { 5, 9 } }, { 9, 12 }, { { 5, 12 } } },	    /* touches above */
		{ { { 5, 9 } }, { 1, 5 }, { { 1, 9 } } },	    /* touches below */
		{ { { 5, 9 } }, { 1, 4 }, { { 1, 4 }, { 5, 9 } } }, /* a gap of one */
		{ { { 5, 9 } }, { 6, 7 }, { { 5, 9 } } },	    /* inside */
		{ { { 1, 2 }, { 4, 5 }, { 7, 8 } }, { 2, 7 }, { { 1, 8 } } },
		{ { { 1, 2 }, { 9, 10 } }, { 4, 5 }, { { 1, 2 }, { 4, 5 }, { 9, 10 } } },
		{ { { 1, 2 } }, { 7, 7 }, { { 1, 2 } } }, /* empty */
		{ { { 1, 2 } }, { 8, UINT64_MAX }, { { 1, 2 }, { 8, UINT64_MAX } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ranges set = { 0 };

		fill(&set, cases[i].start);
		assert_int_equal(ranges_add(&set, cases[i].change), 0);
		assert_same(&set, cases[i].want);
		ranges_free(&set);
	}
}

static void test_remove(void **state)
{
	static const struct set_case cases[] = {
		{ { { 5, 9 } }, { 5, 9 }, { { 0 } } },
		{ { { 5, 9 } }, { 1, 20 }, { { 0 } } },
		{ { { 5, 9 } }, { 6, 7 }, { { 5, 6 }, { 7, 9 } } }, /* splits */
		{ { { 5, 9 } }, { 1, 6 }, { { 6, 9 } } },
		{ { { 5, 9 } }, { 8, 20 }, { { 5, 8 } } },
		{ { { 5, 9 } }, { 9, 20 }, { { 5, 9 } } }, /* adjacent */
		{ { { 5, 9 } }, { 1, 5 }, { { 5, 9 } } },
		{ { { 1, 3 }, { 5, 7 }, { 9, 11 } },
		  { 2, 10 },
		  { { 1, 2 }, { 10, 11 } } },
		{ { { 1, 3 } }, { 2, 2 }, { { 1, 3 } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ranges set = { 0 };

		fill(&set, cases[i].start);
		assert_int_equal(ranges_remove(&set, cases[i].change), 0);
		assert_same(&set, cases[i].want);
		ranges_free(&set);
	}
}

static void test_reversed_is_refused(void **state)
{
	struct ranges set = { 0 };

	(void)state;
	assert_int_equal(ranges_add(&set, (struct range){ 9, 5 }), -EINVAL);
	assert_int_equal(ranges_remove(&set, (struct range){ 9, 5 }), -EINVAL);
	assert_int_equal(set.count, 0);
}

struct find_case {
	struct range_request req;
	bool found;
	uint64_t high; /* where each search must find it */
	uint64_t low;
};

static void test_find(void **state)
{
	static const struct range room[MAX_RANGES] = { { 0x1000, 0x4000 },
						       { 0x10000, 0x28000 },
						       { 0x100000, 0x101000 } };
	static const struct find_case cases[] = {
		{ { 0x1000, 0x1000, 0, UINT64_MAX }, true, 0x100000, 0x1000 },
		{ { 0x2000, 0x1000, 0, UINT64_MAX }, true, 0x26000, 0x1000 },
		{ { 0x2000, 0x10000, 0, UINT64_MAX }, true, 0x20000, 0x10000 },
		{ { 0x1000, 0x1000, 0x2000, 0x3000 }, true, 0x2000, 0x2000 },
		{ { 0x1000, 0x1000, 0x2001, 0x3fff }, false, 0, 0 },
		{ { 0x800, 0x1000, 0x2001, 0x3fff }, true, 0x3000, 0x3000 },
		{ { 0x18000, 1, 0, UINT64_MAX }, true, 0x10000, 0x10000 },
		{ { 0x18001, 1, 0, UINT64_MAX }, false, 0, 0 },
		{ { 0x1000, 0x1000, 0x200000, UINT64_MAX }, false, 0, 0 },
		{ { 0, 0x1000, 0, UINT64_MAX }, false, 0, 0 }, /* size 0 */
		{ { 0x1000, 0x3000, 0, UINT64_MAX },
		  false,
		  0,
		  0 }, /* not a power of two */
		{ { 0x1000, 0, 0, UINT64_MAX }, false, 0, 0 },
		{ { UINT64_MAX, 1ull << 63, 0, UINT64_MAX }, false, 0, 0 },
	};
	struct ranges set = { 0 };
	struct range r = { 0 };

	(void)state;
	fill(&set, room);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct find_case *c = &cases[i];

		assert_int_equal(ranges_find_high(&set, &c->req, &r), c->found);
		if (c->found) {
			assert_int_equal(r.start, c->high);
			assert_int_equal(range_size(r), c->req.size);
		}
		assert_int_equal(ranges_find_low(&set, &c->req, &r), c->found);
		if (c->found) {
			assert_int_equal(r.start, c->low);
			assert_int_equal(range_size(r), c->req.size);
		}
	}
	ranges_free(&set);
}

/* Aligning this start would overflow. */
static void test_find_at_the_end(void **state)
{
	const struct range_request req = { 0x1000, 1ull << 63, 0, UINT64_MAX };
	struct ranges set = { 0 };
	struct range r;

	(void)state;
	assert_int_equal(
		ranges_add(&set, (struct range){ UINT64_MAX - 0x4000, UINT64_MAX }), 0);
	assert_false(ranges_find_low(&set, &req, &r));
	assert_false(ranges_find_high(&set, &req, &r));
	ranges_free(&set);
}

/* One range: its ends, and sums that would overflow. */
static void test_holds(void **state)
{
	static const struct {
		struct range r;
		uint64_t addr, size;
		bool holds;
	} cases[] = {
		{ { 5, 9 }, 5, 4, true },
		{ { 5, 9 }, 5, 5, false },
		{ { 5, 9 }, 4, 1, false },
		{ { 5, 9 }, 4, 5, false },
		{ { 5, 9 }, 8, 1, true },
		{ { 5, 9 }, 8, 2, false },
		{ { 5, 9 }, 9, 0, true }, /* nothing, at the end */
		{ { 5, 9 }, 9, 1, false },
		{ { 5, 9 }, 10, 0, false },
		{ { 5, 9 }, 4, 0, false },
		{ { 5, 5 }, 5, 0, true },
		{ { 5, 5 }, 5, 1, false },
		{ { 5, 9 }, 6, UINT64_MAX, false }, /* the sum is 5 */
		{ { 5, 9 }, UINT64_MAX, 8, false }, /* the sum is 7 */
		{ { 5, 9 }, UINT64_MAX, UINT64_MAX, false },
		{ { 0, UINT64_MAX }, 0, UINT64_MAX, true },
		{ { 0, UINT64_MAX }, 1, UINT64_MAX, false },
		{ { 0, UINT64_MAX }, UINT64_MAX - 1, 1, true },
		{ { 9, 5 }, 6, 1, false }, /* reversed */
		{ { 9, 5 }, 9, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (range_holds(cases[i].r, cases[i].addr, cases[i].size) !=
		    cases[i].holds)
			fail_msg("case %zu", i);
}

static void test_contain(void **state)
{
	struct ranges set = { 0 };

	(void)state;
	assert_int_equal(ranges_add(&set, (struct range){ 5, 9 }), 0);
	assert_true(ranges_contain(&set, (struct range){ 5, 9 }));
	assert_false(ranges_contain(&set, (struct range){ 7, 7 }));
	assert_false(ranges_contain(&set, (struct range){ 8, 6 }));
	ranges_free(&set);
}

/* Grows far beyond the first capacity; then one range replaces them all. */
static void test_many(void **state)
{
	struct ranges set = { 0 }, copy = { 0 };

	(void)state;
	for (uint64_t i = 1000; i > 0; i--)
		assert_int_equal(ranges_add(&set, (struct range){ 2 * i, 2 * i + 1 }), 0);
	assert_int_equal(set.count, 1000);
	assert_true(set.capacity >= set.count);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(set.items[i].start, 2 * i + 2);
	assert_int_equal(ranges_copy(&copy, &set), 0);
	assert_int_equal(copy.count, 1000);
	assert_memory_equal(copy.items, set.items, 1000 * sizeof(set.items[0]));
	assert_int_equal(ranges_add(&set, (struct range){ 0, 5000 }), 0);
	assert_int_equal(set.count, 1);
	ranges_free(&copy);
	ranges_free(&set);
	assert_int_equal(set.count, 0);
	assert_null(set.items);
}

/* Compares the set with a byte map after random changes. */
static void test_against_a_byte_map(void **state)
{
	enum { SIZE = 256 };
	char map[SIZE] = { 0 };
	struct ranges set = { 0 };

	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		uint64_t a = (uint64_t)random() % SIZE, b = (uint64_t)random() % SIZE;
		struct range r = { a < b ? a : b, a < b ? b : a };
		bool add = random() % 2;
		size_t total = 0;

		assert_int_equal(add ? ranges_add(&set, r) : ranges_remove(&set, r), 0);
		memset(map + r.start, add, range_size(r));
		for (size_t k = 0; k < SIZE; k++) {
			total += (size_t)map[k];
			assert_int_equal(ranges_contain(&set, (struct range){ k, k + 1 }),
					 map[k]);
		}
		assert_int_equal(ranges_total(&set), total);
		for (size_t k = 1; k < set.count; k++)
			assert_true(set.items[k - 1].end < set.items[k].start);
	}
	ranges_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_reversed_is_refused),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_at_the_end),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_contain),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_against_a_byte_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
