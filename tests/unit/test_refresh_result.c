// SPDX-License-Identifier: GPL-2.0-only
/* The result of refresh_run() when an earlier refresh has unloaded the crash kernel. */
#include "kexec_seed/refresh.h"

#include "check.h"
#include "load/recipe.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>

/* Without the lock nothing is known: what was unloaded still is. */
static void test_still_unloaded(void **state)
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
	assert_int_equal(result.mode, REFRESH_NONE);
	notes_free(&result.notes);
	assert_false(result.unloaded);
	req.restore = true;
	assert_int_equal(refresh_run(&req, &result, &err), -EWOULDBLOCK);
	assert_int_equal(result.skipped, REFRESH_NOT_SKIPPED);
	assert_true(result.unloaded || result.loaded);
	notes_free(&result.notes);
	recipe_dir_close(&dir);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_still_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
