// SPDX-License-Identifier: GPL-2.0-only
/* The VM generation ID and the VMClock's count: read where they can be, and compared. */
#include "check.h"

#include "machine/generation.h"
#include "machine/vmclock.h"
#include "tree.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDR 0x1028

static void put_id(struct tree *t, uint8_t fill)
{
	uint8_t memory[ADDR + VMGENID_SIZE] = { 0 };

	memset(memory + ADDR, fill, VMGENID_SIZE);
	tree_put_bytes(t, "dev/mem", memory, sizeof(memory));
}

/* Offsets: <linux/vmclock-abi.h>. */
static void put_count(struct tree *t, uint64_t count, bool counted)
{
	uint8_t page[112] = { 'V', 'C', 'L', 'K', 112, 0, 0, 0, 1 };
	uint64_t flags = htole64(counted ? 1 << 8 : 0);

	count = htole64(count);
	memcpy(page + 24, &flags, sizeof(flags));
	memcpy(page + 104, &count, sizeof(count));
	tree_put_bytes(t, "dev/vmclock0", page, sizeof(page));
}

static void test_read(void **state)
{
	struct generation g;
	struct tree t;

	(void)state;
	tree_make(&t);
	generation_read(t.root, ADDR, &g);
	assert_false(g.has_id || g.has_count);
	assert_int_equal(g.addr, ADDR);
	put_id(&t, 5);
	put_count(&t, 77, true);
	generation_read(t.root, ADDR, &g);
	assert_true(g.has_id && g.has_count);
	assert_int_equal(g.id[0], 5);
	assert_int_equal(g.id[VMGENID_SIZE - 1], 5);
	assert_int_equal(g.count, 77);
	generation_read(t.root, 0, &g);
	assert_true(!g.has_id && g.has_count && !g.id[0]);
	generation_read(t.root, ADDR + 8, &g); /* the file ends within it */
	assert_true(!g.has_id && !g.id[0] && g.addr == ADDR + 8);
	generation_read(t.root, ADDR + 1, &g);
	assert_true(!g.has_id && !g.addr);
	put_count(&t, 77, false);
	generation_read(t.root, ADDR, &g);
	assert_true(g.has_id && !g.has_count && !g.count);
	tree_remove(&t, "");
}

/* Devices are mapped if they can be, and else read. */
static void test_devices(void **state)
{
	struct generation g;
	char path[128];
	struct tree t;

	(void)state;
	tree_make(&t);
	tree_put(&t, "dev/x", "");
	snprintf(path, sizeof(path), "%s/dev/mem", t.root);
	assert_int_equal(symlink("/dev/zero", path), 0);
	generation_read(t.root, ADDR, &g);
	assert_true(g.has_id && !g.id[0]);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	generation_read(t.root, ADDR, &g);
	assert_false(g.has_id);
	tree_remove(&t, "");
}

static void test_compare(void **state)
{
	const struct generation none = { 0 }, id = { 8, true, false, { 1 }, 0 },
				other = { 8, true, false, { 2 }, 0 },
				count = { 0, false, true, { 0 }, 1 },
				later = { 0, false, true, { 0 }, 2 },
				both = { 8, true, true, { 1 }, 1 },
				half = { 8, true, true, { 1 }, 2 };

	(void)state;
	assert_int_equal(generation_compare(&none, &none), GENERATION_UNKNOWN);
	assert_int_equal(generation_compare(&none, &both), GENERATION_UNKNOWN);
	assert_int_equal(generation_compare(&id, &count), GENERATION_UNKNOWN);
	assert_int_equal(generation_compare(&id, &id), GENERATION_SAME);
	assert_int_equal(generation_compare(&id, &other), GENERATION_CHANGED);
	assert_int_equal(generation_compare(&count, &count), GENERATION_SAME);
	assert_int_equal(generation_compare(&count, &later), GENERATION_CHANGED);
	assert_int_equal(generation_compare(&both, &both), GENERATION_SAME);
	assert_int_equal(generation_compare(&both, &id), GENERATION_SAME);
	assert_int_equal(generation_compare(&both, &count), GENERATION_SAME);
	assert_int_equal(generation_compare(&both, &half), GENERATION_CHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
