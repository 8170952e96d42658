// SPDX-License-Identifier: GPL-2.0-only
/* kexec-seed verify: detects a damaged crash kernel before it is needed. */
#include "base/report.h"
#include "kexec_seed/crash_state.h"
#include "kexec_seed/subcommand.h"
#include "load/readback.h"

#include <errno.h>

struct findings {
	struct report *out;
	unsigned int damaged;
	struct notes notes;
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

/*
 * Runs even if the image does not match the recipe: damage in the refreshed segments
 * looks like another image. As long as the image ID is ours, the digests locate it.
 */
static int verify(const struct crash_state *s, struct findings *r, struct error *err)
{
	if (!s->loaded)
		return error_set(err, ENOENT, "no crash kernel is loaded");
	if (s->method == CRASH_FOREIGN || s->kcore.fd < 0) {
		*err = s->why;
		error_prefix(err, "cannot verify the loaded crash kernel");
		return -ENODATA;
	}
	if (!plan_purgatory(&s->recipe.plan) && s->method == CRASH_KEXEC_LOAD)
		notes_add(&r->notes,
			  "an older version of kexec has loaded the crash kernel: its "
			  "purgatory and its seed are not compared (kexec-seed refresh "
			  "loads all of it again)");
	return image_verify(&s->kcore, &s->recipe, tell_damage, r, err);
}

/* @ret and @err are the result of crash_state_read(). */
static int report(const struct crash_state *s, int ret, bool json, struct error *err)
{
	struct error ignored;
	struct findings r = { .out = report_open(json, &ignored) };

	if (!r.out) {
		*err = ignored;
		return EXIT_FAILED;
	}
	report_list(r.out, "damaged");
	if (!ret)
		ret = verify(s, &r, err);
	report_end(r.out);
	subcommand_print_notes(&r.notes);
	if (ret) /* unknown */
		report_text(r.out, "good", NULL);
	else
		report_bool(r.out, "good", !r.damaged);
	if (!ret && r.damaged)
		ret = error_set(err, EIO,
				"the loaded crash kernel is damaged: load it again "
				"(kexec-seed refresh --full)");
	return report_close(r.out, ret ? &ignored : err) || ret ? EXIT_FAILED : EXIT_DONE;
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
