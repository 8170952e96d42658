// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict for each combination of facts, against conditions that are written down
 * independently of its table, and the text for each situation.
 */
#include "kexec_seed/verdict.h"

#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HAS(name) ((set & FACT_##name) != 0)

static struct verdict judge(uint32_t set)
{
	const struct verdict_facts facts = {
		.set = set,
		.detail = "DETAIL",
		.file = "/initrd is not what was loaded",
		.failure = "FAILURE",
		.refusal = "REFUSAL",
		.inputs = "RDRAND, kernel memory",
		.reload = "kdump-config reload",
		.options = "OPTIONS",
		.daemon = "start the daemon",
	};
	struct verdict v;

	verdict_find(&facts, &v);
	return v;
}

static enum verdict_word expect(uint32_t set)
{
	bool unseen = HAS(LOADED) && (HAS(HIDDEN) || HAS(UNPROVEN));
	bool ours = HAS(LOADED) && !unseen && !HAS(FOREIGN);
	bool sound = ours && !HAS(DAMAGED) && !HAS(OUTDATED) && !HAS(SEED_OFF) &&
		     !HAS(SEEDLESS);
	bool mixed = HAS(UNIQUE) && !HAS(FILE) && !HAS(MIX_OFF);
	bool reseeded = HAS(DAEMON) && HAS(HEARS);

	if (HAS(UNKNOWN) || unseen)
		return VERDICT_CANNOT_TELL;
	if (!sound)
		return VERDICT_NOT;
	if (mixed || (HAS(ALONE) && !HAS(FORKED)))
		return VERDICT_PROTECTED;
	if (!reseeded || HAS(FAILED) || HAS(REFUSED) || HAS(FORKED) ||
	    (HAS(FILE) && HAS(CHANGED)))
		return VERDICT_NOT;
	return VERDICT_AFTER_REFRESH;
}

/* Another image would be seen. */
static bool is_unproven(uint32_t set)
{
	return HAS(LOADED) && HAS(UNPROVEN) && !HAS(HIDDEN) && !HAS(UNKNOWN);
}

static void test_all(void **state)
{
	unsigned int count[4] = { 0 };

	(void)state;
	for (uint32_t set = 0; set < 1u << NR_FACTS; set++) {
		struct verdict v = judge(set);

		if (v.word != expect(set))
			fail_msg("0x%x: %s: %s", set, verdict_name(v.word),
				 v.reason.text);
		if (!v.reason.text[0] || strchr(v.reason.text, '%'))
			fail_msg("0x%x: no reason: %s", set, v.reason.text);
		/* a way out, and only where one is needed or helps */
		if ((v.word == VERDICT_NOT || is_unproven(set)) != (v.remedy != NULL))
			fail_msg("0x%x: %s, remedy %s", set, verdict_name(v.word),
				 v.remedy ? v.remedy : "none");
		count[v.word]++;
	}
	for (size_t i = 0; i < COUNT(count); i++)
		assert_int_not_equal(count[i], 0);
}

/* A remedy that would fail: a refresh from files that have changed, or of another's. */
static void test_remedies(void **state)
{
	(void)state;
	for (uint32_t set = 0; set < 1u << NR_FACTS; set++) {
		struct verdict v = judge(set);
		bool refresh = v.remedy && strstr(v.remedy, "kexec-seed refresh");

		if (refresh && (!HAS(LOADED) || HAS(FOREIGN) || HAS(SEED_OFF)))
			fail_msg("0x%x: %s", set, v.remedy);
		if (refresh && HAS(CHANGED) &&
		    (HAS(FILE) || HAS(DAMAGED) || HAS(OUTDATED) || HAS(SEEDLESS)))
			fail_msg("0x%x: %s", set, v.remedy);
	}
}

#define ON   (FACT_LOADED | FACT_RESERVED)
#define OPEN (FACT_DAEMON | FACT_HEARS)
#define FILE_SHARED                                                                      \
	"loaded with kexec_file_load: clones share its seed until it is refreshed"

static const struct {
	uint32_t set;
	const char *verdict, *reason, *remedy;
} texts[] = {
	{ FACT_UNKNOWN, "cannot tell", "DETAIL", NULL },
	{ 0, "not protected",
	  "no crash kernel is loaded, and no memory is reserved for one",
	  "boot with crashkernel=" },
	{ FACT_RESERVED, "not protected", "no crash kernel is loaded",
	  "kdump-config reload" },
	{ ON | FACT_HIDDEN, "cannot tell", "DETAIL", NULL },
	{ ON | FACT_UNPROVEN, "cannot tell", "DETAIL", "kdump-config reload" },
	{ ON | FACT_FOREIGN, "not protected",
	  "another kexec has loaded the crash kernel (DETAIL)", "kdump-config reload" },
	{ ON | FACT_UNIQUE, "protected", "mixed at the crash with RDRAND, kernel memory",
	  NULL },
	{ ON | FACT_UNIQUE | FACT_CHANGED | OPEN | FACT_FAILED, "protected",
	  "mixed at the crash with RDRAND, kernel memory", NULL },
	{ ON | FACT_UNIQUE | FACT_OUTDATED, "not protected",
	  "an older version of kexec has loaded it", "kexec-seed refresh" },
	{ ON | FACT_UNIQUE | FACT_DAMAGED, "not protected", "DETAIL",
	  "kexec-seed refresh --full" },
	{ ON | FACT_UNIQUE | FACT_DAMAGED | FACT_CHANGED, "not protected", "DETAIL",
	  "kdump-config reload" },
	{ ON | FACT_SEED_OFF | FACT_SEEDLESS, "not protected",
	  "it was loaded with --seed=off: take that out of OPTIONS",
	  "kdump-config reload" },
	{ ON | FACT_SEEDLESS, "not protected",
	  "it has no seed: the RNG was not ready at the load", "kexec-seed refresh" },
	{ ON | FACT_MIX_OFF, "not protected",
	  "it was loaded with --seed-mix=off and no daemon is running: take that out of "
	  "OPTIONS",
	  "kdump-config reload" },
	{ ON | FACT_MIX_OFF | OPEN, "protected after a refresh",
	  "loaded with --seed-mix=off: clones share its seed until it is refreshed, as the "
	  "daemon does",
	  NULL },
	{ ON | FACT_FILE | OPEN, "protected after a refresh",
	  FILE_SHARED ", as the daemon does", NULL },
	{ ON | FACT_FILE, "not protected", FILE_SHARED ", and no daemon is running",
	  "start the daemon" },
	{ ON | FACT_FILE | FACT_CHOSEN | OPEN, "protected after a refresh",
	  FILE_SHARED
	  ", as the daemon does; to mix it, take -s out of OPTIONS and load again",
	  NULL },
	{ ON | FACT_FILE | FACT_CHOSEN, "not protected",
	  FILE_SHARED
	  ", and no daemon is running; to mix it, take -s out of OPTIONS and load "
	  "again",
	  "start the daemon" },
	{ ON | FACT_FILE | FACT_CHOSEN | FACT_ALONE, "protected",
	  "this is no virtual machine, whose memory could be copied", NULL },
	{ ON | FACT_FILE | FACT_DAEMON, "not protected",
	  FILE_SHARED ", and no fork source is active: refresh it after each fork",
	  "kexec-seed refresh" },
	{ ON | FACT_FILE | FACT_CHANGED | OPEN, "not protected",
	  FILE_SHARED ", which is not possible: /initrd is not what was loaded",
	  "kdump-config reload" },
	{ ON | FACT_FILE | FACT_CHOSEN | FACT_REFUSED | OPEN, "not protected",
	  FILE_SHARED ", which is not possible: REFUSAL", "reboot" },
	{ ON | FACT_FILE | FACT_CHANGED | FACT_REFUSED | OPEN, "not protected",
	  FILE_SHARED ", which is not possible: REFUSAL", "reboot" },
	{ ON | FACT_FILE | OPEN | FACT_FAILED, "not protected",
	  FILE_SHARED ", and the daemon's last refresh failed: FAILURE",
	  "kexec-seed refresh" },
	{ ON | FACT_FILE | OPEN | FACT_FORKED, "not protected",
	  "the machine was forked since its seed was drawn", "kexec-seed refresh" },
	{ ON | FACT_FILE | FACT_ALONE, "protected",
	  "this is no virtual machine, whose memory could be copied", NULL },
	{ ON | OPEN, "protected after a refresh",
	  "nothing is mixed in that a snapshot's holder cannot guess: clones share its "
	  "seed until it is refreshed, as the daemon does",
	  NULL },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct verdict v = judge(texts[i].set);

		assert_string_equal(verdict_name(v.word), texts[i].verdict);
		assert_string_equal(v.reason.text, texts[i].reason);
		if (texts[i].remedy)
			assert_string_equal(v.remedy, texts[i].remedy);
		else
			assert_null(v.remedy);
	}
	assert_int_equal(verdict_exit(VERDICT_PROTECTED), 0);
	assert_int_equal(verdict_exit(VERDICT_AFTER_REFRESH), 0);
	assert_int_equal(verdict_exit(VERDICT_NOT), 1);
	assert_int_equal(verdict_exit(VERDICT_CANNOT_TELL), 3);
}

/* One line, however long its parts are. */
static void test_long(void **state)
{
	char text[ERROR_TEXT_MAX * 6];
	struct verdict_facts facts = { .set = ON | FACT_FOREIGN, .detail = text };
	struct verdict v;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[3] = '\n';
	verdict_find(&facts, &v);
	assert_null(strchr(v.reason.text, '\n'));
	assert_true(strlen(v.reason.text) < ERROR_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_remedies),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
