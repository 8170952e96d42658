// SPDX-License-Identifier: GPL-2.0-only
/* A damaged image is unloaded after the load; the image of another tool is not. */
#include "check.h"
#include "recipe_scene.h"
#include "tree.h"

#include "load/load_txn.h"
#include "machine/kcore.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Memory: the image ID, and 0x90 everywhere else. */
static struct {
	struct image_id id;
	bool other_tool; /* begins its load after the first read of the image ID */
	unsigned int unloads;
} fake;

/* Replace those of machine/kcore.c. */
int kcore_open(const char *path, struct kcore *out, struct error *err)
{
	(void)path;
	(void)err;
	*out = KCORE_NONE;
	return 0;
}

int kcore_read(const struct kcore *k, uint64_t addr, void *buf, size_t size,
	       struct error *err)
{
	(void)k;
	(void)err;
	memset(buf, 0x90, size);
	if (addr != SCENE_REGION)
		return 0;
	memcpy(buf, &fake.id, sizeof(fake.id));
	if (fake.other_tool)
		memset(&fake.id, 0x90, sizeof(fake.id));
	return 0;
}

void kcore_close(struct kcore *k)
{
	(void)k;
}

const struct kcore_load *kcore_text(const struct kcore *k)
{
	(void)k;
	return NULL;
}

bool kcore_direct_map(const struct kcore *k, uint64_t *base)
{
	(void)k;
	(void)base;
	return false;
}

/* Replaces libc's, so that nothing is unloaded on this machine. */
long syscall(long number, ...)
{
	assert_int_equal(number, SYS_kexec_load);
	fake.unloads++;
	return 0;
}

/* The load is done: commits it. */
static int commit(bool other_tool, struct notes *notes, struct error *err)
{
	static uint8_t seed[4096];
	struct load_txn txn = { .dir = RECIPE_DIR_NONE };
	struct load_io io = { .progress_fd = -1 };
	struct load l = { .io = &io };
	struct tree tree;
	char path[96];
	int ret;

	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/run", tree.root);
	assert_int_equal(recipe_dir_open(path, 1, &txn.dir, err), 0);
	scene_load(&txn.recipe, seed);
	assert_int_equal(recipe_write(&txn.dir, RECIPE_PENDING, &txn.recipe, err), 0);
	fake.id = *txn.recipe.plan.image_id;
	fake.other_tool = other_tool;
	fake.unloads = 0;
	ret = load_txn_commit(&txn, &l, err);
	recipe_dir_close(&txn.dir);
	recipe_free(&txn.recipe);
	tree_remove(&tree, "");
	*notes = io.notes;
	return ret;
}

static void test_damaged(void **state)
{
	struct error err = { "" };
	struct notes notes;

	(void)state;
	assert_int_equal(commit(false, &notes, &err), -EIO);
	assert_int_equal(fake.unloads, 1);
	assert_non_null(strstr(err.text, "was damaged, nothing is loaded now"));
	assert_int_equal(notes.count, 0);
}

/* Another tool overwrote our image while it was read back. */
static void test_other_tool(void **state)
{
	struct error err = { "" };
	struct notes notes;

	(void)state;
	assert_int_equal(commit(true, &notes, &err), 0);
	assert_int_equal(fake.unloads, 0);
	assert_int_equal(notes.count, 1);
	assert_non_null(
		strstr(notes.lines[0], "the loaded image was not checked: another"));
	notes_free(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_other_tool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
