// SPDX-License-Identifier: GPL-2.0-only
/* What refresh_run() says of a crash kernel that an earlier refresh has lost. */
#include "kexec_seed/refresh.h"

#include "check.h"
#include "load/recipe.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>

/* While somebody else has the lock, nothing is found out: what was lost still is. */
static void test_still_lost(void **state)
{
	struct refresh_request req = { .source = "kmsg" };
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct refresh_result result;
	struct tree tree;
	struct error err;
	char path[96];

	(void)state;
	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/run", tree.root);
	req.dir = path;
	assert_int_equal(recipe_dir_open(path, 0, &dir, &err), 0);
	assert_int_equal(refresh_run(&req, &result, &err), -EWOULDBLOCK);
	assert_false(result.lost);
	req.restore = true;
	assert_int_equal(refresh_run(&req, &result, &err), -EWOULDBLOCK);
	assert_int_equal(result.verdict, REFRESH_TRIED);
	assert_true(result.lost || result.loaded);
	recipe_dir_close(&dir);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_still_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
