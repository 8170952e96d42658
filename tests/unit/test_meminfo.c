// SPDX-License-Identifier: GPL-2.0-only
/* /proc/meminfo. */
#include "base/text.h"
#include "machine/meminfo.h"

#include "check.h"
#include "tree.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t total, available;
	} cases[] = {
		{ "MemTotal:       1000 kB\nMemFree: 5 kB\nMemAvailable:    200 kB\n"
		  "SwapTotal: 9 kB\nSwapFree:  30 kB\n",
		  1000 << 10, 230 << 10 },
		{ "SwapFree: 30 kB\nMemAvailable: 200 kB", 0, 230 << 10 },
		{ "MemTotal: 1000 kB\nSwapFree: 30 kB\n", 1000 << 10, 0 },
		{ "MemTotal: 1000\nMemAvailable: 7 MB\n", 0, 0 },
		{ "MemTotal: x kB\nMemAvailable:\n", 0, 0 },
		{ "MemTotal: 18014398509481983 kB", 18014398509481983 << 10, 0 },
		{ "MemTotal: 18014398509481984 kB", 0, 0 },
		{ "MemAvailable: 18014398509481983 kB\nSwapFree: 1 kB\n", 0, 0 },
		{ "MemAvailable: 18014398509481983 kB\nSwapFree: 2 kB\n", 0, 0 },
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct meminfo m;

		meminfo_parse(text_from(cases[i].text), &m);
		if (m.total != cases[i].total || m.available != cases[i].available)
			fail_msg("case %zu: %zu, %zu", i, (size_t)m.total,
				 (size_t)m.available);
	}
}

static void test_read(void **state)
{
	struct meminfo m = { 1, 1 };
	struct error err = { "" };
	struct tree t;

	(void)state;
	tree_make(&t);
	assert_int_equal(meminfo_read(t.root, &m, &err), 0);
	assert_int_equal(m.total, 0);
	assert_int_equal(m.available, 0);
	tree_put(&t, "proc/meminfo", "MemTotal: 4 kB\n");
	assert_int_equal(meminfo_read(t.root, &m, &err), 0);
	assert_int_equal(m.total, 4096);
	tree_remove(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
