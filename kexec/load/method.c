// SPDX-License-Identifier: GPL-2.0-only
#include "load/method.h"

#include "load/kexec_load.h"
#include "load/refusal.h"

#include <errno.h>
#include <stdio.h>

const char *method_name(enum kexec_method method)
{
	return method == METHOD_FILE ? "kexec_file_load" : "kexec_load";
}

static const char *reason_to_load(const struct load_request *r)
{
	if (r->entry_32bit)
		return "--entry-32bit needs it";
	if (r->method == METHOD_LOAD)
		return "-c was given";
	return r->seed == SEED_OFF ? "--seed=off needs it" : "the default";
}

static void choose(struct load *l, enum kexec_method method, const char *reason)
{
	l->method = method;
	snprintf(l->reason.text, sizeof(l->reason.text), "%s", reason);
}

/* Unprivileged users plan what root would load, and do not see all that root sees. */
static bool plans_for_root(const struct load_request *r)
{
	struct error ignored;

	return r->dry_run && !*r->root && refusal_foresee_rights(&ignored);
}

int method_fall_back(struct load *l, int ret, struct error *err)
{
	const struct load_request *r = l->request;
	struct error ignored;

	if (r->method != METHOD_AUTO || r->seed == SEED_OFF)
		return ret;
	if (load_check_file_load(l, &ignored)) {
		error_prefix(err, "kexec_file_load would not take it, and kexec_load is "
				  "not possible");
		return ret;
	}
	if (refusal_tell_spent(r->root, r->target, ret, err))
		return ret;
	notes_add_error(&l->io->notes, "using kexec_file_load", err);
	choose(l, METHOD_FILE, err->text);
	return 0;
}

/* Why kexec_load() is not possible, before anything is planned. */
static int foresee(struct load *l, bool *may_fall_back, struct error *err)
{
	const struct load_request *r = l->request;
	int ret = load_prepare_plan(l, err);

	*may_fall_back = !file_is_trouble(ret) && !plans_for_root(r);
	if (ret)
		return ret;
	*may_fall_back = true;
	ret = refusal_foresee_load(r->root, err);
	if (!ret && r->method == METHOD_AUTO && r->seed != SEED_OFF)
		ret = refusal_foresee_policy(r->root, r->target, err);
	if (!ret && r->dry_run && !*r->root)
		ret = kexec_try_load(r->target, may_fall_back, err);
	return ret;
}

int method_choose(struct load *l, struct error *err)
{
	const struct load_request *r = l->request;
	bool may_fall_back;
	int ret;

	if (r->method == METHOD_FILE) {
		choose(l, METHOD_FILE, "-s was given");
		return 0;
	}
	choose(l, METHOD_LOAD, reason_to_load(r));
	ret = foresee(l, &may_fall_back, err);
	if (!ret) { /* report an impossible plan before waiting for a seed */
		ret = load_plan(l, r->seed != SEED_OFF, err);
		may_fall_back = ret == -ENODATA && !plans_for_root(r);
	}
	return ret && may_fall_back ? method_fall_back(l, ret, err) : ret;
}
