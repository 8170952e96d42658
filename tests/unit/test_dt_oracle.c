// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel as oracle: in a machine captured in a guest, its kexec_file_load(2) made the tree
 * next.dtb (tests/vm/test_arm64_oracle.py). Ours, planned for the same machine, is the same but
 * for the differences listed here.
 */
#include "check.h"
#include "fake_image.h"

#include "arch/dt/tree.h"
#include "machine/machine.h"
#include "plan/plan.h"
#include "seed_mix.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#define MACHINE MACHINES "/arm64/file-load"
#define CMDLINE "console=ttyAMA0 oracle='a b'"

/* Properties of /chosen that differ. */
static const struct difference {
	const char *name;
	const char *reason;
	int ours, theirs; /* bytes */
} differences[] = {
	{ "rng-seed", "32 bytes fill the generator's key", SEED_SIZE, 128 },
	{ "kaslr-seed", "random; ours is derived when the purgatory runs", 8, 8 },
	{ "linux,initrd-start", "we place the initrd elsewhere", 8, 8 },
	{ "linux,initrd-end", "the same", 8, 8 },
};

struct scene {
	struct machine machine;
	union fake_image kernel;
	struct image image;
	uint8_t initrd[200000];
	struct load_request request;
	struct plan plan;
	uint8_t golden[16384];
	const void *ours, *theirs;
};

static uint64_t chosen_number(const void *fdt, const char *name)
{
	uint64_t value = 0;

	assert_true(dt_number(fdt, fdt_path_offset(fdt, "/chosen"), name, &value));
	return value;
}

static size_t initrd_size(const void *fdt)
{
	return (size_t)(chosen_number(fdt, "linux,initrd-end") -
			chosen_number(fdt, "linux,initrd-start"));
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	FILE *f = fopen(MACHINE "/next.dtb", "rb");
	struct error err;
	size_t size;

	assert_non_null(s);
	assert_non_null(f);
	size = fread(s->golden, 1, sizeof(s->golden), f);
	fclose(f);
	assert_int_equal(fdt_check_full(s->golden, size), 0);
	s->theirs = s->golden;
	assert_int_equal(machine_read(MACHINE, &s->machine, &err), 0);
	fake_image(&s->kernel);
	assert_int_equal(
		linux_image_parse((struct bytes){ s->kernel.file, FAKE_IMAGE_SIZE },
				  FAKE_IMAGE_SIZE, &s->image, &err),
		0);
	s->image.kernel = (struct bytes){ s->kernel.file, FAKE_IMAGE_SIZE };
	assert_true(initrd_size(s->theirs) <= sizeof(s->initrd));
	const struct plan_input in = { .request = &s->request,
				       .machine = &s->machine,
				       .image = &s->image,
				       .initrd = { s->initrd, initrd_size(s->theirs) },
				       .cmdline = CMDLINE,
				       .seed = true };
	assert_int_equal(plan_make(&in, &s->plan, &err), 0);
	s->ours = s->plan.boot_data;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	plan_free(&s->plan);
	machine_free(&s->machine);
	free(s);
	return 0;
}

static const struct difference *find_difference(const char *path, const char *name)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
		if (!strcmp(path, "/chosen") && !strcmp(name, differences[i].name))
			return &differences[i];
	return NULL;
}

/* Every property of a node of @a is in @b. @sign: 1 if @a is ours, else -1. */
static void compare_node(const void *a, int node, const void *b, int sign)
{
	char path[256];
	int property, other;

	assert_int_equal(fdt_get_path(a, node, path, sizeof(path)), 0);
	other = fdt_path_offset(b, path);
	if (other < 0)
		fail_msg("%s has no %s", sign > 0 ? "theirs" : "ours", path);
	fdt_for_each_property_offset(property, a, node)
	{
		const char *name;
		int size, size_b;
		const void *value = fdt_getprop_by_offset(a, property, &name, &size);
		const void *value_b = fdt_getprop(b, other, name, &size_b);
		const struct difference *known = find_difference(path, name);

		if (!value_b)
			fail_msg("%s has no %s:%s", sign > 0 ? "theirs" : "ours", path,
				 name);
		if (known) {
			assert_int_equal(size, sign > 0 ? known->ours : known->theirs);
			continue;
		}
		if (size != size_b || memcmp(value, value_b, (size_t)size) != 0)
			fail_msg("%s:%s differs", path, name);
	}
}

static int compare_nodes(const void *a, const void *b, int sign)
{
	int count = 0;

	for (int node = 0; node >= 0; node = fdt_next_node(a, node, NULL), count++)
		compare_node(a, node, b, sign);
	return count;
}

static void test_same_nodes(void **state)
{
	struct scene *s = *state;
	int count = compare_nodes(s->ours, s->theirs, 1);

	assert_true(count > 20);
	assert_int_equal(compare_nodes(s->theirs, s->ours, -1), count);
}

static void check_reservation(const void *fdt)
{
	uint64_t start, size;

	assert_int_equal(fdt_num_mem_rsv(fdt), 1);
	assert_int_equal(fdt_get_mem_rsv(fdt, 0, &start, &size), 0);
	assert_int_equal(start, chosen_number(fdt, "linux,initrd-start"));
	assert_int_equal(size, initrd_size(fdt));
}

static void test_same_reservations(void **state)
{
	struct scene *s = *state;
	const struct segment *initrd = plan_find(&s->plan, SEGMENT_INITRD);

	check_reservation(s->theirs);
	check_reservation(s->ours);
	assert_int_equal(initrd_size(s->ours), initrd_size(s->theirs));
	assert_non_null(initrd);
	assert_int_equal(chosen_number(s->ours, "linux,initrd-start"), initrd->addr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_reservations, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
