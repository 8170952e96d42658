// SPDX-License-Identifier: GPL-2.0-only
#include "purgatory/blob.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 4096

static void test_the_build_filled_it_in(void **state)
{
	struct bytes blob = purgatory_blob();
	const struct purgatory_params *p = (const void *)blob.data;

	(void)state;
	assert_true(blob.size > sizeof(*p));
	assert_int_equal((uintptr_t)blob.data % _Alignof(struct purgatory_params), 0);
	assert_int_equal(p->magic, PURGATORY_MAGIC);
	assert_int_equal(p->version, PURGATORY_VERSION);
	assert_int_equal(p->params_size, sizeof(*p));
	assert_int_equal(p->file_size, blob.size);
	assert_in_range(p->entry_offset, sizeof(*p), blob.size - 1);
	assert_int_equal(p->mem_size % PAGE, 0);
	/* The state begins in a page of its own. */
	assert_true(p->mem_size >= (blob.size + PAGE - 1) / PAGE * PAGE + PAGE);
}

static void test_the_rest_is_the_loaders(void **state)
{
	const uint8_t *data = purgatory_blob().data;

	(void)state;
	for (size_t i = offsetof(struct purgatory_params, kernel_entry);
	     i < sizeof(struct purgatory_params); i++)
		assert_int_equal(data[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_build_filled_it_in),
		cmocka_unit_test(test_the_rest_is_the_loaders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
