// SPDX-License-Identifier: GPL-2.0-only
/* Addons of a UKI, in the folder NAME.extra.d. */
#include "check.h"
#include "fake_kernel.h"
#include "fake_uki.h"
#include "tree.h"

#include "image/format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct image_request all = { .initrd = true, .cmdline = true };
static struct tree tree;
static struct error err;

static void put(const char *name, const struct content *contents, size_t count)
{
	struct fake_uki u;

	fake_uki(&u, contents, count);
	tree_put_bytes(&tree, name, u.file, u.size);
}

#define PUT(name, ...)                                                                   \
	put(name, (const struct content[]){ __VA_ARGS__ },                               \
	    sizeof((const struct content[]){ __VA_ARGS__ }) / sizeof(struct content))

static void put_uki(const char *name, bool rich)
{
	struct fake_kernel k;

	fake_kernel(&k);
	if (rich)
		PUT(name, { ".linux", k.file, sizeof(k.file) },
		    { ".cmdline", "base\n", 5 }, { ".initrd", "initrd", 6 },
		    { ".ucode", "micro", 5 }, { ".uname", "6.1-x", 5 });
	else
		PUT(name, { ".linux", k.file, sizeof(k.file) });
}

static int open_uki(const struct image_request *request, struct image_extras *extras)
{
	char path[128];
	struct image image;
	struct file f;
	int ret;

	snprintf(path, sizeof(path), "%s/k.efi", tree.root);
	assert_int_equal(file_open(path, &f, &err), 0);
	ret = image_open(&f, request, &image, extras, &err);
	file_close(&f);
	return ret;
}

static void assert_note(const struct image_extras *extras, size_t i, const char *name,
			const char *why)
{
	assert_true(i < extras->notes.count);
	assert_non_null(strstr(extras->notes.lines[i], name));
	assert_non_null(strstr(extras->notes.lines[i], why));
}

/* In the order of their names; microcode before the UKI's, the last addon's first. */
static void test_applied(void **state)
{
	static const char want[] = "ub\0\0ua\0\0micro\0\0\0initrd\0\0a\0\0\0bb";
	struct image_extras extras;

	(void)state;
	tree_make(&tree);
	put_uki("k.efi", true);
	PUT("k.efi.extra.d/b.addon.efi", { ".cmdline", "b=\"1 2\"", 7 },
	    { ".initrd", "bb", 2 }, { ".ucode", "ub", 2 });
	PUT("k.efi.extra.d/a.addon.efi", { ".cmdline", " a \n", 4 },
	    { ".initrd", "a", 1 }, { ".ucode", "ua", 2 }, { ".uname", "6.1-x", 5 });
	PUT("k.efi.extra.d/.c.addon.efi", { ".cmdline", "hidden", 6 });
	assert_int_equal(open_uki(&all, &extras), 0);
	assert_string_equal(extras.cmdline, "base a b=\"1 2\"");
	assert_int_equal(extras.initrd.bytes.size, sizeof(want) - 1);
	assert_memory_equal(extras.initrd.bytes.data, want, sizeof(want) - 1);
	assert_int_equal(extras.nr_addons, 2);
	assert_int_equal(extras.notes.count, 0);
	image_extras_free(&extras);
	/* the user gave others */
	assert_int_equal(open_uki(&(struct image_request){ 0 }, &extras), 0);
	assert_true(extras.has_initrd && extras.has_cmdline);
	assert_null(extras.cmdline);
	assert_int_equal(extras.initrd.fd, -1);
	image_extras_free(&extras);
	tree_remove(&tree, "");
}

/* A UKI that has nothing of its own. */
static void test_only_addons(void **state)
{
	struct image_extras extras;

	(void)state;
	tree_make(&tree);
	put_uki("k.efi", false);
	PUT("k.efi.extra.d/a.addon.efi", { ".cmdline", "a", 1 },
	    { ".uname", "any: the UKI has none", 21 });
	assert_int_equal(open_uki(&all, &extras), 0);
	assert_string_equal(extras.cmdline, "a");
	assert_false(extras.has_initrd);
	image_extras_free(&extras);
	PUT("k.efi.extra.d/b.addon.efi", { ".initrd", "b", 1 });
	assert_int_equal(open_uki(&all, &extras), 0);
	assert_int_equal(extras.initrd.bytes.size, 1);
	image_extras_free(&extras);
	tree_remove(&tree, "");
}

/* What systemd-stub leaves out, and what is not supported here: one note each. */
static void test_not_used(void **state)
{
	struct image_extras extras;
	struct fake_uki u;

	(void)state;
	tree_make(&tree);
	put_uki("k.efi", true);
	put_uki("k.efi.extra.d/a.addon.efi", true);
	PUT("k.efi.extra.d/b.addon.efi", { ".cmdline", "b", 1 }, { ".uname", "6.1", 3 });
	fake_uki(&u, &(struct content){ ".cmdline", "c", 1 }, 1);
	put16(&u, PE_AT + 4, 0xaa64);
	tree_put_bytes(&tree, "k.efi.extra.d/c.addon.efi", u.file, u.size);
	put16(&u, PE_AT + 4, 0x8664);
	tree_put_bytes(&tree, "k.efi.extra.d/d.addon.efi", u.file, u.size - ALIGN);
	tree_put(&tree, "k.efi.extra.d/e.addon.efi", "junk");
	PUT("k.efi.extra.d/f.addon.efi", { ".osrel", "ID=x", 4 });
	tree_put(&tree, "k.efi.extra.d/g.cred", "secret");
	tree_put(&tree, "k.efi.extra.d/.addon.efi", "");
	assert_int_equal(open_uki(&all, &extras), 0);
	assert_string_equal(extras.cmdline, "base");
	assert_int_equal(extras.nr_addons, 0);
	assert_note(&extras, 0, "a.addon.efi: not used", "a UKI, not an addon");
	assert_note(&extras, 1, "b.addon.efi: not used", "for the kernel 6.1, not 6.1-x");
	assert_note(&extras, 2, "c.addon.efi: not used", "0xaa64");
	assert_note(&extras, 3, "d.addon.efi: not used", "truncated");
	assert_note(&extras, 4, "e.addon.efi: not used", "not an EFI program");
	assert_note(&extras, 5, "f.addon.efi: not used", "no command line");
	assert_note(&extras, 6, "k.efi.extra.d: 1 files are not used", "*.addon.efi");
	assert_int_equal(extras.notes.count, 7);
	image_extras_free(&extras);
	tree_remove(&tree, "");
}

/* A partial list may look complete. */
static void test_unreadable_folder(void **state)
{
	struct image_extras extras;

	(void)state;
	tree_make(&tree);
	put_uki("k.efi", true);
	PUT("k.efi.extra.d/a.addon.efi", { ".cmdline", "a", 1 });
	PUT("k.efi.extra.d/b.addon.efi", { ".cmdline", "b", 1 });
	tree_readdir_fails(3);
	assert_int_equal(open_uki(&all, &extras), -EIO);
	assert_non_null(strstr(err.text, "k.efi.extra.d"));
	image_extras_free(&extras);
	tree_readdir_fails(-1);
	tree_remove(&tree, "");
	tree_make(&tree);
	put_uki("k.efi", true);
	tree_put(&tree, "k.efi.extra.d", "not a folder");
	assert_int_equal(open_uki(&all, &extras), 0);
	image_extras_free(&extras);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_applied),
		cmocka_unit_test(test_only_addons),
		cmocka_unit_test(test_not_used),
		cmocka_unit_test(test_unreadable_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
