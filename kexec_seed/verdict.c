// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/verdict.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What the remedy of a rule is. */
enum remedy {
	REMEDY_NONE,
	REMEDY_RELOAD,	     /* the command that loads crash kernels here */
	REMEDY_REFRESH,	     /* ours; a refresh is enough */
	REMEDY_REFRESH_FULL, /* ours; all of it from the same files */
	REMEDY_DAEMON,
	REMEDY_RESERVE,
	REMEDY_REBOOT,
};

#define AFTER_FORK "clones share its seed until it is refreshed"

/*
 * The first rule whose facts are all set, and none of those in @clear, decides. In a
 * reason %D is the detail, %F the file, %E the daemon's error, %I the inputs, %R why the
 * kernel refuses a load, %O where kexec's options are, %S why the seed is in a snapshot.
 */
static const struct rule {
	uint32_t set;
	uint32_t clear;
	enum verdict_word word;
	enum remedy remedy;
	const char *reason;
} rules[] = {
	{ FACT_UNKNOWN, 0, VERDICT_CANNOT_TELL, REMEDY_NONE, "%D" },
	{ 0, FACT_LOADED | FACT_RESERVED, VERDICT_NOT, REMEDY_RESERVE,
	  "no crash kernel is loaded, and no memory is reserved for one" },
	{ 0, FACT_LOADED, VERDICT_NOT, REMEDY_RELOAD, "no crash kernel is loaded" },
	{ FACT_HIDDEN, 0, VERDICT_CANNOT_TELL, REMEDY_NONE, "%D" },
	{ FACT_UNPROVEN, 0, VERDICT_CANNOT_TELL, REMEDY_RELOAD, "%D" },
	{ FACT_FOREIGN, 0, VERDICT_NOT, REMEDY_RELOAD,
	  "another kexec has loaded the crash kernel (%D)" },
	{ FACT_SEED_OFF, 0, VERDICT_NOT, REMEDY_RELOAD,
	  "it was loaded with --seed=off: take that out of %O" },
	{ FACT_DAMAGED | FACT_CHANGED, 0, VERDICT_NOT, REMEDY_RELOAD, "%D" },
	{ FACT_DAMAGED, 0, VERDICT_NOT, REMEDY_REFRESH_FULL, "%D" },
	{ FACT_OUTDATED | FACT_CHANGED, 0, VERDICT_NOT, REMEDY_RELOAD,
	  "an older version of kexec has loaded it" },
	{ FACT_OUTDATED, 0, VERDICT_NOT, REMEDY_REFRESH,
	  "an older version of kexec has loaded it" },
	{ FACT_SEEDLESS | FACT_CHANGED, 0, VERDICT_NOT, REMEDY_RELOAD,
	  "it has no seed: the RNG was not ready at the load" },
	{ FACT_SEEDLESS, 0, VERDICT_NOT, REMEDY_REFRESH,
	  "it has no seed: the RNG was not ready at the load" },
	{ FACT_UNIQUE, FACT_FILE | FACT_MIX_OFF, VERDICT_PROTECTED, REMEDY_NONE,
	  "mixed at the crash with %I" },
	{ FACT_ALONE, FACT_FORKED, VERDICT_PROTECTED, REMEDY_NONE,
	  "this is no virtual machine, whose memory could be copied" },
	{ FACT_MIX_OFF, FACT_DAEMON, VERDICT_NOT, REMEDY_RELOAD,
	  "it was loaded with --seed-mix=off and no daemon is running: take that out of "
	  "%O" },
	{ FACT_MIX_OFF, FACT_HEARS, VERDICT_NOT, REMEDY_RELOAD,
	  "it was loaded with --seed-mix=off and no fork source is active: take that out "
	  "of %O" },
	{ FACT_REFUSED, 0, VERDICT_NOT, REMEDY_REBOOT, "%S, which is not possible: %R" },
	{ FACT_CHANGED | FACT_FILE, 0, VERDICT_NOT, REMEDY_RELOAD,
	  "%S, which is not possible: %F" },
	{ 0, FACT_DAEMON, VERDICT_NOT, REMEDY_DAEMON, "%S, and no daemon is running" },
	{ FACT_FAILED, 0, VERDICT_NOT, REMEDY_REFRESH,
	  "%S, and the daemon's last refresh failed: %E" },
	{ FACT_FORKED, 0, VERDICT_NOT, REMEDY_REFRESH,
	  "the machine was forked since its seed was drawn" },
	{ 0, FACT_HEARS, VERDICT_NOT, REMEDY_REFRESH,
	  "%S, and no fork source is active: refresh it after each fork" },
	{ 0, 0, VERDICT_AFTER_REFRESH, REMEDY_NONE, "%S, as the daemon does" },
};

/* Why a snapshot gives the seed away. */
static const char *why_shared(uint32_t set)
{
	if (set & FACT_FILE)
		return "loaded with kexec_file_load: " AFTER_FORK;
	if (set & FACT_MIX_OFF)
		return "loaded with --seed-mix=off: " AFTER_FORK;
	return "nothing is mixed in that a snapshot's holder cannot guess: " AFTER_FORK;
}

static const char *fill_in(const struct verdict_facts *f, char letter)
{
	switch (letter) {
	case 'D':
		return f->detail;
	case 'F':
		return f->file;
	case 'E':
		return f->failure;
	case 'I':
		return f->inputs;
	case 'R':
		return f->refusal;
	case 'O':
		return f->options;
	default:
		return why_shared(f->set);
	}
}

/* Cuts what is too long: paths and errors are limited, but together they may not fit. */
static void write_reason(const char *reason, const struct verdict_facts *f,
			 struct error *out)
{
	const bool advise = f->set & FACT_CHOSEN && f->set & FACT_FILE &&
			    !(f->set & FACT_REFUSED) && strstr(reason, "%S");
	char text[4 * ERROR_TEXT_MAX];
	size_t used = 0;

	for (const char *p = reason; *p && used < sizeof(text) - 1; p++) {
		if (*p != '%') {
			text[used++] = *p;
			continue;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s",
					 fill_in(f, *++p));
		if (used > sizeof(text) - 1)
			used = sizeof(text) - 1;
	}
	text[used] = '\0';
	error_set(out, 0, "%s%s%s%s", text, advise ? "; to mix it, take -s out of " : "",
		  advise ? f->options : "", advise ? " and load again" : "");
}

static const char *find_remedy(const struct verdict_facts *f, enum remedy remedy)
{
	switch (remedy) {
	case REMEDY_RELOAD:
		return f->reload;
	case REMEDY_REFRESH:
		return "kexec-seed refresh";
	case REMEDY_REFRESH_FULL:
		return "kexec-seed refresh --full";
	case REMEDY_DAEMON:
		return f->daemon;
	case REMEDY_RESERVE:
		return "boot with crashkernel=";
	case REMEDY_REBOOT:
		return "reboot";
	case REMEDY_NONE:
		break;
	}
	return NULL;
}

void verdict_find(const struct verdict_facts *facts, struct verdict *out)
{
	const struct rule *r = rules;

	/* the last one has no condition */
	while ((facts->set & r->set) != r->set || (facts->set & r->clear))
		r++;
	*out = (struct verdict){ .word = r->word,
				 .remedy = find_remedy(facts, r->remedy) };
	write_reason(r->reason, facts, &out->reason);
}

static const struct {
	const char *name;
	int status;
} words[] = {
	[VERDICT_PROTECTED] = { "protected", 0 },
	[VERDICT_AFTER_REFRESH] = { "protected after a refresh", 0 },
	[VERDICT_NOT] = { "not protected", 1 },
	[VERDICT_CANNOT_TELL] = { "cannot tell", 3 },
};

const char *verdict_name(enum verdict_word word)
{
	return words[word].name;
}

int verdict_exit(enum verdict_word word)
{
	return words[word].status;
}
