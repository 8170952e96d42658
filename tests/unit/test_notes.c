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
	char text[2048] = "";

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

static void add_without_memory(struct notes *notes, const char *line)
{
	no_memory = true;
	notes_add(notes, "%s", line);
	no_memory = false;
}

/* What finds no memory comes last. */
static void test_no_memory(void **state)
{
	struct notes notes = { 0 }, more = { 0 };

	(void)state;
	add_without_memory(&notes, "a");
	assert_int_equal(notes.count, 0);
	assert_notes(&notes, "a\n");
	notes_add(&notes, "first");
	add_without_memory(&notes, "b");
	notes_add(&notes, "second");
	assert_notes(&notes, "first\nsecond\na\nb\n");

	notes_add(&more, "third");
	add_without_memory(&more, "c");
	no_memory = true;
	notes_move(&notes, &more);
	no_memory = false;
	assert_notes(&more, "");
	assert_false(notes.incomplete);
	assert_notes(&notes, "first\nsecond\na\nb\nthird\nc\n");
	notes_free(&notes);
	assert_notes(&notes, "");
}

/* What does not fit is lost whole, and the list says so. */
static void test_no_spare(void **state)
{
	struct notes notes = { 0 };
	char line[NOTES_SPARE - 2];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	add_without_memory(&notes, "a");
	add_without_memory(&notes, line);
	add_without_memory(&notes, "b");
	assert_true(notes.incomplete);
	assert_notes(&notes, "a\nb\nsome notes are missing: out of memory\n");
	notes_free(&notes);
	assert_false(notes.incomplete);
	line[sizeof(line) - 2] = '\0';
	add_without_memory(&notes, "a");
	add_without_memory(&notes, line);
	assert_false(notes.incomplete);
	notes_free(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	 cmocka_unit_test(test_move),
		cmocka_unit_test(test_error),	 cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_spare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
