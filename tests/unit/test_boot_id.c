// SPDX-License-Identifier: GPL-2.0-only
/* The boot ID, which tells a recipe of an earlier boot from a current one. */
#include "check.h"
#include "tree.h"

#include "load/recipe.h"

#include <errno.h>

static void test_boot_id(void **state)
{
	static const char *const bad[] = { "",
					   "00112233-4455-6677-8899-aabbccddee\n",
					   "00112233-4455-6677-8899-aabbccddeeff-\n",
					   "00112233-4455-6677-8899-aabbccddeeff00\n",
					   "0x112233-4455-6677-8899-aabbccddeeff\n",
					   "0011223344556677-8899-aabb-ccdd-eeff\n",
					   "g0112233-4455-6677-8899-aabbccddeeff\n" };
	static const uint8_t want[BOOT_ID_SIZE] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
						    0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
						    0xcc, 0xdd, 0xee, 0xff };
	static const char path[] = "proc/sys/kernel/random/boot_id";
	uint8_t id[BOOT_ID_SIZE];
	struct error err;
	struct tree t;

	(void)state;
	tree_make(&t);
	assert_int_equal(boot_id_read(t.root, id, &err), -ENOENT);
	tree_put(&t, path, "00112233-4455-6677-8899-aabbccddeeff\n");
	assert_int_equal(boot_id_read(t.root, id, &err), 0);
	assert_memory_equal(id, want, sizeof(id));
	for (size_t i = 0; i < COUNT(bad); i++) {
		tree_put(&t, path, bad[i]);
		assert_int_equal(boot_id_read(t.root, id, &err), -EINVAL);
	}
	tree_remove(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
