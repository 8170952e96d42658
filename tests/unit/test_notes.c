// SPDX-License-Identifier: GPL-2.0-only
/* Notes: their order, notes about errors, and a list that runs out of memory. */
#include "check.h"

#include "base/notes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory;

/* Replaces libc's. */
void *reallocarray(void *old, size_t count, size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * size);
}

/* Collects the lines. */
static void print(void *context, const char *line)
{
	strcat(strcat(context, line), "\n");
}

static void assert_notes(const struct notes *notes, const char *want)
{
	char text[512] = "";

	notes_each(notes, print, text);
	assert_string_equal(text, want);
}

static void test_order(void **state)
{
	struct notes notes = { 0 };
	char want[512] = "";

	(void)state;
	assert_notes(&notes, "");
	for (int i = 0; i < 20; i++) {
		notes_add(&notes, "%s %d", "note", i);
		snprintf(want + strlen(want), 16, "note %d\n", i);
	}
	assert_int_equal(notes.count, 20);
	assert_false(notes.incomplete);
	assert_notes(&notes, want);
	assert_notes(&notes, want); /* printing changes nothing */

	notes_free(&notes);
	assert_int_equal(notes.count, 0);
	assert_null(notes.lines);
	notes_free(&notes); /* harmless */
	notes_add(&notes, "usable again");
	assert_notes(&notes, "usable again\n");
	notes_free(&notes);
}

static void test_move(void **state)
{
	struct notes to = { 0 }, from = { 0 };

	(void)state;
	notes_move(&to, &from);
	assert_notes(&to, "");
	notes_add(&to, "a");
	notes_add(&from, "b");
	notes_add(&from, "c");
	from.incomplete = true;
	notes_move(&to, &from);
	assert_notes(&from, "");
	assert_true(to.incomplete);
	to.incomplete = false;
	assert_notes(&to, "a\nb\nc\n");
	notes_free(&to);
}

static void test_error(void **state)
{
	struct notes notes = { 0 };
	struct error err;

	(void)state;
	error_set(&err, ENOENT, "/boot/x: 100%% gone");
	notes_add_error(&notes, "loading without a seed", &err);
	err.text[0] = '\0'; /* the note is a copy */
	assert_notes(&notes, "loading without a seed: /boot/x: 100% gone\n");
	notes_free(&notes);
}

/* A note is lost, the rest stays, and the list says that it is incomplete. */
static void test_no_memory(void **state)
{
	struct notes notes = { 0 };

	(void)state;
	no_memory = true;
	notes_add(&notes, "lost");
	no_memory = false;
	assert_true(notes.incomplete);
	assert_int_equal(notes.count, 0);
	assert_notes(&notes, "some notes are missing: out of memory\n");
	notes_add(&notes, "first");
	no_memory = true;
	notes_add(&notes, "lost");
	no_memory = false;
	notes_add(&notes, "second");
	assert_notes(&notes, "first\nsecond\nsome notes are missing: out of memory\n");
	notes_free(&notes);
	assert_false(notes.incomplete);
	assert_notes(&notes, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
