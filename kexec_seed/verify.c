// SPDX-License-Identifier: GPL-2.0-only
/* kexec-seed verify: detects a damaged crash kernel before it is needed. */
#include "base/report.h"
#include "kexec_seed/crash_state.h"
#include "kexec_seed/subcommand.h"
#include "load/readback.h"
#include "load/remedy.h"

struct findings {
	struct report *out;
	struct notes notes;
	unsigned int damaged;
};

static void tell_damage(void *to, const char *part, uint64_t addr, uint64_t size)
{
	struct findings *r = to;

	r->damaged++;
	report_object(r->out, NULL);
	report_text(r->out, "part", part);
	report_address(r->out, "addr", addr);
	report_number(r->out, "size", size);
	report_end(r->out);
}

/* What verify finds out: the JSON key "result". */
enum result { GOOD, DAMAGED, UNLOADED, UNKNOWN, KERNEL, OUTDATED, HIDDEN };

static const struct {
	const char *name;
	int status;
} results[] = {
	[GOOD] = { "good", EXIT_DONE },
	[DAMAGED] = { "damaged", EXIT_FAILED },
	[UNLOADED] = { "not loaded", EXIT_FAILED },
	[UNKNOWN] = { "unknown", EXIT_FAILED },
	[KERNEL] = { "checked by the kernel", EXIT_FAILED },
	[OUTDATED] = { "outdated", EXIT_DONE },
	[HIDDEN] = { "partly hidden", EXIT_DONE },
};

/* An image whose purgatory, of an older version, the recipe cannot describe. */
static bool is_outdated(const struct crash_state *s)
{
	return s->method == CRASH_KEXEC_LOAD && !plan_purgatory(&s->recipe.plan);
}

/*
 * Runs even if the image does not match the recipe: damage in the refreshed segments
 * looks like another image. As long as the image ID is ours, the digests locate it.
 */
static enum result verify(const struct crash_state *s, struct findings *r,
			  struct error *err)
{
	if (!s->loaded) {
		error_set(err, 0, "no crash kernel is loaded");
		return UNLOADED;
	}
	if (s->method == CRASH_FOREIGN || s->kcore.fd < 0 || s->hidden) {
		*err = s->why;
		error_prefix(err, "cannot verify the loaded crash kernel");
		return UNKNOWN;
	}
	if (s->method == CRASH_KEXEC_FILE_LOAD && s->verified) {
		error_set(err, 0,
			  "loaded with kexec_file_load: the kernel's own purgatory "
			  "verifies the image at the crash, with digests of its own");
		return KERNEL;
	}
	if (s->method == CRASH_KEXEC_FILE_LOAD) {
		*err = s->why;
		return DAMAGED;
	}
	if (image_verify(&s->kcore, &s->recipe, tell_damage, r, err)) {
		error_prefix(err, "cannot verify the loaded crash kernel");
		return UNKNOWN;
	}
	if (r->damaged) {
		error_set(err, 0, "the loaded crash kernel is damaged");
		return DAMAGED;
	}
	if (image_is_hidden(&s->kcore, &s->recipe.plan)) {
		error_set(err, 0,
			  "kernel and initrd are as loaded; the running kernel (Linux "
			  "before 6.4) hides the other segments, which the purgatory "
			  "verifies at the crash");
		return HIDDEN;
	}
	if (!is_outdated(s))
		return GOOD;
	error_set(err, 0,
		  "an older version of kexec has loaded the crash kernel: its purgatory "
		  "and its seed are not compared");
	return OUTDATED;
}

static const char *find_remedy(const struct crash_state *s, enum result result)
{
	if (result == DAMAGED)
		return "kexec-seed refresh --full";
	if (result == OUTDATED || s->hidden)
		return "kexec-seed refresh";
	if (result == UNLOADED ||
	    (result == UNKNOWN && s->method == CRASH_FOREIGN && !s->unproven))
		return remedy_reload("");
	return NULL;
}

static void tell(struct report *o, enum result result, const char *remedy, bool json,
		 const struct error *err)
{
	if (result == GOOD || result == DAMAGED)
		report_bool(o, "good", result == GOOD);
	else
		report_text(o, "good", NULL);
	if (json || result != UNKNOWN)
		report_text(o, "result", results[result].name);
	if (!json) /* the line on standard error has the rest */
		return;
	report_text(o, "reason", err->text[0] ? err->text : NULL);
	report_text(o, "remedy", remedy);
}

/* @ret and @err are the result of crash_state_read(). */
static int report(const struct crash_state *s, int ret, bool json, struct error *err)
{
	struct error ignored;
	struct findings r = { .out = report_open(json, &ignored) };
	enum result result = UNKNOWN;
	const char *remedy;

	if (!r.out) {
		*err = ignored;
		return EXIT_FAILED;
	}
	report_list(r.out, "damaged");
	if (!ret)
		result = verify(s, &r, err);
	report_end(r.out);
	remedy = ret ? NULL : find_remedy(s, result);
	tell(r.out, result, remedy, json, err);
	if (remedy) {
		ignored = *err;
		error_set(err, 0, "%s; do: %s", ignored.text, remedy);
	}
	if (report_close(r.out, result == GOOD ? err : &ignored))
		return EXIT_FAILED;
	if (result == OUTDATED || result == HIDDEN) {
		notes_add(&r.notes, "%s", err->text);
		subcommand_print_notes(&r.notes);
	}
	return results[result].status;
}

int command_verify(int argc, char **argv, struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct crash_state s = { .kcore = KCORE_NONE };
	bool json = false;
	int ret;

	if (subcommand_json(argc, argv, &json, err))
		return EXIT_USAGE;
	/* take the lock, so that no refresh intervenes */
	ret = recipe_dir_open(RUN_DIR, 60, &dir, err);
	if (!ret)
		ret = crash_state_read(&dir, &s, err);
	ret = report(&s, ret, json, err);
	crash_state_free(&s);
	recipe_dir_close(&dir);
	return ret;
}
