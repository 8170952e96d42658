// SPDX-License-Identifier: GPL-2.0-only
/* kexec-seed verify: is the loaded crash kernel good, before it is needed? */
#include "kexec_seed/subcommand.h"
#include "load/loaded.h"
#include "kexec_seed/out.h"
#include "kexec_seed/state.h"

#include <errno.h>

struct report {
	struct out *out;
	unsigned int damaged;
};

static void tell_damage(void *to, const char *part, uint64_t addr, uint64_t size)
{
	struct report *r = to;

	r->damaged++;
	out_object(r->out, NULL);
	out_text(r->out, "part", part);
	out_address(r->out, "addr", addr);
	out_number(r->out, "size", size);
	out_end(r->out);
}

/*
 * What was proven or not: a damaged dynamic block looks like another image, and then it is
 * the digests that tell which part it is, as long as the tag is ours.
 */
static int verify(const struct crash_state *s, struct report *r, struct error *err)
{
	if (!s->loaded)
		return error_set(err, ENOENT, "no crash kernel is loaded");
	if (s->method == CRASH_FOREIGN || s->kcore.fd < 0) {
		*err = s->why;
		error_prefix(err, "cannot verify the loaded crash kernel");
		return -ENODATA;
	}
	return loaded_verify(&s->kcore, &s->recipe, tell_damage, r, err);
}

/* @ret is what came of reading the state, with @err. */
static int report(const struct crash_state *s, int ret, bool json, struct error *err)
{
	struct error ignored;
	struct report r = { .out = out_open(json, &ignored) };

	if (!r.out) {
		*err = ignored;
		return EXIT_FAILED;
	}
	out_list(r.out, "damaged");
	if (!ret)
		ret = verify(s, &r, err);
	out_end(r.out);
	if (ret) /* it could not be found out */
		out_text(r.out, "good", NULL);
	else
		out_bool(r.out, "good", !r.damaged);
	if (!ret && r.damaged)
		ret = error_set(err, EIO,
				"the loaded crash kernel is damaged: load it again "
				"(kexec-seed refresh --full)");
	return out_close(r.out, ret ? &ignored : err) || ret ? EXIT_FAILED : EXIT_DONE;
}

int command_verify(int argc, char **argv, struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct crash_state s = { .kcore = KCORE_NONE };
	bool json = false;
	int ret;

	if (subcommand_json(argc, argv, &json, err))
		return EXIT_USAGE;
	/* with the lock, so that no refresh comes in between */
	ret = recipe_dir_open(RECIPE_DIR, 60, &dir, err);
	if (!ret)
		ret = crash_state_read(&dir, &s, err);
	ret = report(&s, ret, json, err);
	crash_state_free(&s);
	recipe_dir_close(&dir);
	return ret;
}
