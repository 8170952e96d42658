// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of an image that is not what was loaded: ours is unloaded, another is not. */
#include "check.h"
#include "recipe_scene.h"
#include "tree.h"

#include "machine/kcore.h"
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Memory: the tag, and something else everywhere else. */
static struct {
	struct image_id tag;
	bool other_tool; /* begins to load after the tag was read for the first time */
	unsigned int unloads;
} fake;

/* In place of machine/kcore.c. */
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
	memcpy(buf, &fake.tag, sizeof(fake.tag));
	if (fake.other_tool)
		memset(&fake.tag, 0x90, sizeof(fake.tag));
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

/* In place of libc's: no image of this machine is unloaded. */
long syscall(long number, ...)
{
	assert_int_equal(number, SYS_kexec_load);
	fake.unloads++;
	return 0;
}

/* A load is done; what its last look says. */
static int commit(bool other_tool, struct error *err)
{
	static uint8_t seed[4096];
	struct record rec = { .dir = RECIPE_DIR_NONE };
	struct job job = { 0 };
	struct tree tree;
	char path[96];
	int ret;

	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/run", tree.root);
	assert_int_equal(recipe_dir_open(path, 1, &rec.dir, err), 0);
	scene_load(&rec.recipe, seed);
	assert_int_equal(recipe_write(&rec.dir, RECIPE_NEXT, &rec.recipe, err), 0);
	fake.tag = *rec.recipe.plan.tag;
	fake.other_tool = other_tool;
	fake.unloads = 0;
	ret = record_commit(&rec, &job, err);
	recipe_dir_close(&rec.dir);
	recipe_free(&rec.recipe);
	tree_remove(&tree, "");
	return ret;
}

static void test_damaged(void **state)
{
	struct error err = { "" };

	(void)state;
	assert_int_equal(commit(false, &err), -EIO);
	assert_int_equal(fake.unloads, 1);
}

/* It has overwritten ours by the time that the rest is read: its own is not unloaded. */
static void test_other_tool(void **state)
{
	struct error err = { "" };

	(void)state;
	assert_int_equal(commit(true, &err), 0);
	assert_int_equal(fake.unloads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_other_tool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
