// SPDX-License-Identifier: GPL-2.0-only
#include "load/load.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "load/describe.h"
#include "load/digests.h"
#include "load/doubts.h"
#include "load/load_txn.h"
#include "load/method.h"
#include "load/refusal.h"
#include "load/remedy.h"
#include "load/seed.h"
#include "plan/cmdline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define NO_ZEROES                                                                          \
	"the crash kernel has no seed and must not take the zeroes that EFI may have for " \
	"one: " PLAN_DISTRUST

/* A load in progress. */
struct run {
	struct load load;
	struct load_txn txn;
	struct secret page;
	const struct load_guard *guard; /* must hold right before the call; NULL: none */
	bool had_one;			/* an image was loaded before */
	bool waited;			/* already waited for the RNG; the result: */
	bool rng_ready; /* a fallback after a failure to lock a page still gets a seed */
};

static const struct load_request *request_of(const struct run *run)
{
	return run->load.request;
}

/*
 * No seed is available, for the reason in @err (@ret). A crash kernel without a seed is
 * better than none: unless --seed=require was given, the load continues, with a note.
 */
static int go_without_seed(struct run *run, int ret, struct error *err)
{
	if (request_of(run)->seed == SEED_REQUIRE) {
		error_prefix(err, "nothing loaded, because --seed=require");
		return ret;
	}
	if (run->txn.again && run->had_one) {
		error_prefix(err, "no new seed; the loaded image stays");
		return ret;
	}
	run->load.no_seed = *err;
	error_prefix(&run->load.no_seed, "none");
	notes_add_error(&run->load.io->notes, "loading without a seed", err);
	return 0;
}

/* Waits for the kernel's RNG, at most once; load.seed_ready: it is initialised. */
static int wait_for_seed(struct run *run, struct error *err)
{
	int ret;

	run->load.seed_ready = run->rng_ready;
	if (request_of(run)->seed == SEED_OFF || run->waited)
		return 0;
	run->waited = true;
	ret = seed_wait(request_of(run)->seed_timeout, err);
	if (!ret && !request_of(run)->dry_run)
		rng_force_reseed();
	run->load.seed_ready = run->rng_ready = !ret;
	return ret ? go_without_seed(run, ret, err) : 0;
}

/* Maps the page for the base seed. If that fails, the load has no seed. */
static int map_page(struct run *run, struct error *err)
{
	int ret = secret_map(page_size(), &run->page, err);

	run->load.seed_ready = !ret;
	return ret ? go_without_seed(run, ret, err) : 0;
}

/* -EOPNOTSUPP with the line if this kernel passes no seed with kexec_file_load(). */
static int check_kernel_seeds(struct error *err)
{
	unsigned long major, minor;
	struct utsname self;
	char *rest, *end;

	if (uname(&self) < 0)
		return 0;
	major = strtoul(self.release, &rest, 10);
	if (*rest != '.')
		return 0;
	minor = strtoul(rest + 1, &end, 10);
	if (end == rest + 1 || (major << 16) + (minor << 8) >= arch_file_seed_since)
		return 0;
	return error_set(
		err, EOPNOTSUPP,
		"Linux %lu.%lu passes none with kexec_file_load (%u.%u and later "
		"do); with kexec_load (-c) kexec does",
		major, minor, arch_file_seed_since >> 16,
		arch_file_seed_since >> 8 & 0xff);
}

/*
 * Finds out whether there will be a seed. The plan is made anew if there is none after
 * all. With kexec_file_load() the kernel draws the seed, but silently omits it until its
 * RNG is initialised.
 */
static int settle_seed(struct run *run, struct error *err)
{
	struct load *l = &run->load;
	int ret = l->method == METHOD_FILE ? check_kernel_seeds(err) : 0;

	if (ret) {
		l->seed_ready = false;
		return go_without_seed(run, ret, err);
	}
	ret = wait_for_seed(run, err);
	if (!ret && l->method == METHOD_LOAD && l->seed_ready)
		ret = map_page(run, err);
	if (ret || l->method != METHOD_LOAD || l->seed_ready ||
	    l->request->seed == SEED_OFF)
		return ret;
	return load_plan(l, false, err);
}

/*
 * A crash kernel without a seed is told not to take the zeroes that EFI may have for one:
 * PLAN_TRUST. Plans do so on their own.
 */
static int distrust_zeroes(struct run *run, struct error *err)
{
	struct load *l = &run->load;
	int ret;

	if (!load_is_crash(l) || cmdline_sets(l->cmdline, PLAN_TRUST))
		return 0;
	if (l->method == METHOD_FILE
		    ? l->seed_ready
		    : !cmdline_sets(plan_command_line(&l->plan), PLAN_TRUST))
		return 0;
	notes_add(&l->io->notes, NO_ZEROES);
	if (l->method == METHOD_LOAD)
		return 0;
	ret = load_put_word(l, PLAN_DISTRUST, err);
	return ret ? ret : load_check_file_load(l, err);
}

/* With --debug. */
static void describe(const struct load *l)
{
	if (l->io->details)
		load_describe(l, DESCRIBE_DETAILS, l->io->details);
}

/*
 * Adds to the error if the crash kernel is gone: the kernel unloads it before it examines
 * the next one.
 */
static int explain_failure(const struct run *run, int ret, struct error *err)
{
	struct error ignored;

	if (ret && run->had_one && !kexec_is_loaded(request_of(run)->target, &ignored))
		error_prefix(err, "no crash kernel is loaded now");
	return ret;
}

static int begin_txn(struct run *run, enum recipe_method method, struct error *err)
{
	return load_is_crash(&run->load)
		       ? load_txn_begin(&run->txn, &run->load, method, err)
		       : 0;
}

/* Commits the load to the journal, or aborts it if the load failed. */
static int end_txn(struct run *run, int ret, struct error *err)
{
	if (!load_is_crash(&run->load))
		return ret;
	if (!ret)
		return load_txn_commit(&run->txn, &run->load, err);
	load_txn_abort(&run->txn);
	return explain_failure(run, ret, err);
}

/* The kernel wants each part in one piece of RAM. Others are below a MiB. */
static int explain_gap(const struct load *l, int ret, struct error *err)
{
	uint64_t need = l->image.mem_size;

	if (ret != -EADDRNOTAVAIL || load_is_crash(l))
		return ret;
	if (l->initrd.bytes.size > need)
		need = l->initrd.bytes.size;
	return error_set(err, EADDRNOTAVAIL,
			 "no gap of %llu MiB is free in memory for the %s; a smaller one "
			 "helps",
			 (unsigned long long)((need + MIB - 1) / MIB),
			 need > l->image.mem_size ? "initrd" : "kernel");
}

static int load_by_file(struct run *run, struct error *err)
{
	const struct load *l = &run->load;
	const struct load_request *r = l->request;
	unsigned int want =
		(r->no_cma ? LOAD_FILE_NO_CMA : 0) | (r->debug ? LOAD_FILE_DEBUG : 0);
	int ret;

	ret = settle_seed(run, err);
	if (!ret)
		ret = distrust_zeroes(run, err);
	if (!ret)
		ret = begin_txn(run, RECIPE_KEXEC_FILE_LOAD, err);
	if (ret)
		return ret;
	describe(l);
	if (load_is_crash(l) && run->had_one)
		ret = kexec_try_file(l->kernel.fd, r->target, err);
	if (!ret)
		ret = kexec_load_files(l->kernel.fd, l->initrd.fd, l->cmdline, r->target,
				       want, run->guard, err);
	return end_txn(run, explain_gap(l, ret, err), err);
}

/*
 * The digests cover the files as we read them; the kernel copied them later. If a file
 * changed in between, the image would fail its own check, so unload it.
 */
static int unload_changed(const struct load *l, const struct error *changed,
			  struct error *err)
{
	struct error why;
	int ret = kexec_unload(l->request->target, &why);

	*err = *changed;
	if (ret)
		error_prefix(err, "DO NOT JUMP, the image is bad and stays loaded (%s)",
			     why.text);
	else
		error_prefix(err, "nothing is loaded now");
	return -ESTALE;
}

static int load_unchanged(struct run *run, bool *may_fall_back, struct error *err)
{
	struct error changed;
	int ret;

	ret = load_with_seed(&run->load.plan, &run->page, request_of(run)->target,
			     run->guard, may_fall_back, err);
	if (!load_check_files(&run->load, &changed))
		return ret;
	*may_fall_back = false;
	if (!ret)
		return unload_changed(&run->load, &changed, err);
	*err = changed;
	return -ESTALE;
}

static int digest_and_load(struct run *run, bool *may_fall_back, struct error *err)
{
	const struct file *const files[] = { &run->load.kernel, &run->load.initrd };
	int ret;

	ret = digests_fill(&run->load.plan, files, 2, err);
	if (!ret)
		ret = begin_txn(run, RECIPE_KEXEC_LOAD, err);
	if (ret)
		return ret;
	ret = load_unchanged(run, may_fall_back, err);
	if (!ret && load_is_crash(&run->load))
		ret = load_if_hidden(&run->load.plan, &run->load.io->notes, err);
	return end_txn(run, ret, err);
}

static int load_by_plan(struct run *run, bool *may_fall_back, struct error *err)
{
	int ret = settle_seed(run, err);

	*may_fall_back = false;
	if (ret)
		return ret;
	ret = distrust_zeroes(run, err);
	if (ret)
		return ret;
	describe(&run->load);
	return digest_and_load(run, may_fall_back, err);
}

static int load_it(struct run *run, struct error *err)
{
	struct error ignored;
	bool may_fall_back;
	int ret;

	run->had_one = kexec_is_loaded(request_of(run)->target, &ignored) > 0;
	ret = method_choose(&run->load, err);
	if (ret)
		return ret;
	if (run->load.method == METHOD_LOAD) {
		ret = load_by_plan(run, &may_fall_back, err);
		if (!ret || !may_fall_back)
			return ret;
		ret = method_fall_back(&run->load, ret, err);
	}
	return ret ? ret : load_by_file(run, err);
}

/* Frees everything, starting with the seed's page. */
static void end_run(struct run *run)
{
	secret_wipe(&run->page);
	load_txn_end(&run->txn);
	load_end(&run->load);
}

/* Why neither call is possible, privileges apart. */
static int foresee(const struct load *l, struct error *err)
{
	const struct load_request *r = l->request;
	int ret = refusal_foresee(r->root, r->target, err);

	if (!ret)
		ret = refusal_check_region(r->root, r->target, err);
	if (!ret && load_is_crash(l) && l->machine.iomem.count &&
	    !range_size(l->machine.crash))
		return refusal_no_region(err);
	return ret;
}

/* Facts of another machine do not include its RNG: suppose that it is ready. */
static int settle_dry_seed(struct run *run, struct error *err)
{
	if (!*request_of(run)->root)
		return settle_seed(run, err);
	run->load.seed_ready = true;
	return 0;
}

int load_dry_run(const struct load_request *request, bool json, bool boot_data,
		 struct load_io *io, struct error *err)
{
	struct run run = { .txn.dir = RECIPE_DIR_NONE };
	unsigned int what = (boot_data ? DESCRIBE_BOOT_DATA : 0) |
			    (request->debug ? DESCRIBE_DETAILS : 0);
	int ret = refusal_check_arch(request->root, err);

	if (ret)
		return ret;
	ret = load_prepare(&run.load, request, io, err);
	if (!ret)
		ret = foresee(&run.load, err);
	if (!ret)
		ret = method_choose(&run.load, err);
	if (!ret)
		ret = settle_dry_seed(&run, err);
	if (!ret)
		ret = distrust_zeroes(&run, err);
	if (!ret) {
		load_note_doubts(&run.load);
		if (json && io->details)
			load_describe(&run.load, what, io->details);
		if (json)
			ret = load_report(&run.load, what, err);
		else
			load_describe(&run.load, what, stdout);
	}
	end_run(&run);
	return ret;
}

int load_run(const struct load_request *request, struct load_io *io, struct error *err)
{
	struct run run = { .txn.dir = RECIPE_DIR_NONE };
	struct recipe_dir own = RECIPE_DIR_NONE;
	struct error why;
	int ret = refusal_check_arch(request->root, err);

	if (ret)
		return ret;
	ret = load_prepare(&run.load, request, io, err);
	if (!ret)
		ret = refusal_foresee_rights(err);
	if (!ret)
		ret = foresee(&run.load, err);
	if (!ret && request_is_crash(request)) {
		/* failing to store a recipe is not fatal */
		int no_dir = recipe_dir_open(RUN_DIR, RECIPE_WAIT, &own, &why);

		if (no_dir) {
			remedy_denied("", no_dir, &why);
			notes_add_error(&io->notes, NOT_REFRESHABLE, &why);
		} else {
			run.txn.dir = own;
		}
	}
	if (!ret)
		ret = load_it(&run, err);
	if (!ret)
		load_note_doubts(&run.load);
	end_run(&run);
	recipe_dir_close(&own);
	return ret;
}

int load_again(const struct recipe_dir *dir, const struct recipe *again,
	       const char *source, const struct load_guard *guard, struct load_io *io,
	       struct error *err)
{
	struct run run = {
		.txn = { .dir = *dir, .again = again, .source = source },
		.guard = guard,
	};
	int ret;

	ret = load_prepare(&run.load, &again->request, io, err);
	if (!ret)
		ret = refusal_foresee_rights(err);
	if (!ret)
		ret = refusal_foresee("", again->request.target, err);
	if (!ret)
		ret = load_it(&run, err);
	end_run(&run);
	return ret;
}
