// SPDX-License-Identifier: GPL-2.0-only
#include "run.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "describe.h"
#include "job.h"
#include "load/kexec_load.h"
#include "load/lend.h"
#include "load/reboot.h"
#include "load/refusal.h"
#include "load/seal.h"
#include "load/seed.h"
#include "machine/kexec_sysfs.h"
#include "record.h"

#include <errno.h>
#include <unistd.h>

/* How long to wait for another load or refresh, seconds. */
#define RECIPE_WAIT 60

/* One load while it goes on. */
struct run {
	struct job job;
	struct record record;
	struct secret seed;
	/* what must still be so when it is loaded; NULL: nothing */
	const struct load_guard *guard;
	bool had_one; /* an image was loaded before */
	bool waited;  /* for the kernel's generator, and what came of it: */
	bool seed_ready;
};

/*
 * There will be no seed, for the reason in @err (@ret). A kernel without one is better
 * than no kernel, so without --seed=require the load goes on, and that is said.
 */
static int go_without_seed(const struct run *run, int ret, struct error *err)
{
	if (run->job.o->seed == SEED_REQUIRE) {
		error_prefix(err, "nothing loaded, because --seed=require");
		return ret;
	}
	if (run->record.again && run->had_one) {
		error_prefix(err, "no new seed, what is loaded stays");
		return ret;
	}
	job_note("loading without a seed", err);
	return 0;
}

/* Waits for the kernel's generator, at most once. *@ready tells what came of it. */
static int wait_for_seed(struct run *run, bool *ready, struct error *err)
{
	const struct options *o = run->job.o;
	int ret = 0;

	if (o->seed == SEED_OFF)
		return 0;
	if (!run->waited) {
		run->waited = true;
		ret = seed_wait(o->seed_timeout, err);
		if (!ret)
			seed_stir();
		run->seed_ready = !ret;
	}
	*ready = run->seed_ready;
	return ret ? go_without_seed(run, ret, err) : 0;
}

/* The page that the seed will be drawn into; without it there is none either. */
static int map_seed(struct run *run, bool *ready, struct error *err)
{
	int ret = secret_map((size_t)sysconf(_SC_PAGESIZE), &run->seed, err);

	*ready = !ret;
	return ret ? go_without_seed(run, ret, err) : 0;
}

/* The kernel gives a loaded crash kernel up before it looks closely at the next one. */
static int explain_failure(const struct run *run, int ret, struct error *err)
{
	struct error ignored;

	if (ret && run->had_one && !kexec_is_loaded(run->job.o->target, &ignored))
		error_prefix(err, "no crash kernel is loaded now");
	return ret;
}

static int begin_record(struct run *run, enum recipe_method method, struct error *err)
{
	return job_is_crash(&run->job)
		       ? record_begin(&run->record, &run->job, method, err)
		       : 0;
}

/* What was loaded, or why it was not, goes into the recipe. */
static int end_record(struct run *run, int ret, struct error *err)
{
	if (!job_is_crash(&run->job))
		return ret;
	if (!ret)
		return record_commit(&run->record, &run->job, err);
	record_abort(&run->record);
	return explain_failure(run, ret, err);
}

static int load_files(struct run *run, struct error *err)
{
	const struct job *job = &run->job;
	unsigned int wishes = (job->o->no_cma ? KEXEC_WISH_NO_CMA : 0) |
			      (job->o->debug ? KEXEC_WISH_DEBUG : 0);
	bool ready = false;
	int ret;

	/* The kernel draws the seed; it leaves it out when its generator is not ready. */
	ret = wait_for_seed(run, &ready, err);
	if (!ret)
		ret = begin_record(run, RECIPE_KEXEC_FILE_LOAD, err);
	if (ret)
		return ret;
	if (job->o->debug)
		describe_load(stderr, job, METHOD_FILE, ready);
	if (job_is_crash(job) && run->had_one)
		ret = kexec_try_file(job->kernel.fd, job->o->target, err);
	if (!ret)
		ret = kexec_load_files(job->kernel.fd, job->initrd.fd, job->cmdline,
				       job->o->target, wishes, run->guard, err);
	return end_record(run, ret, err);
}

/*
 * The digests are those of the files when they were read; the kernel copied them a moment
 * later. An image that would fail its own check must not stay.
 */
static int unload_changed(const struct job *job, const struct error *changed,
			  struct error *err)
{
	struct error why;
	int ret = kexec_unload(job->o->target, &why);

	*err = *changed;
	if (ret)
		error_prefix(err, "DO NOT JUMP, the image is bad and stays loaded (%s)",
			     why.text);
	else
		error_prefix(err, "nothing is loaded now");
	return -ESTALE;
}

static int load_sealed(struct run *run, bool *other_way, struct error *err)
{
	struct error changed;
	int ret;

	ret = lend_and_load(&run->job.plan, &run->seed, run->job.o->target, run->guard,
			    other_way, err);
	if (!job_check_files(&run->job, &changed))
		return ret;
	*other_way = false;
	if (!ret)
		return unload_changed(&run->job, &changed, err);
	*err = changed;
	return -ESTALE;
}

static int seal_and_load(struct run *run, bool *other_way, struct error *err)
{
	const struct file *const files[] = { &run->job.kernel, &run->job.initrd };
	int ret;

	ret = seal_contents(&run->job.plan, files, 2, err);
	if (!ret)
		ret = begin_record(run, RECIPE_KEXEC_LOAD, err);
	if (ret)
		return ret;
	ret = load_sealed(run, other_way, err);
	return end_record(run, ret, err);
}

static int load_plan(struct run *run, bool *other_way, struct error *err)
{
	struct job *job = &run->job;
	bool ready = false;
	int ret;

	*other_way = false;
	ret = job_prepare_plan(job, err);
	if (!ret)
		ret = refusal_foresee_load(err);
	if (ret) {
		*other_way = true;
		return ret;
	}
	/* whatever is wrong with the plan is told before anything is waited for */
	ret = job_plan(job, job->o->seed != SEED_OFF, err);
	if (!ret)
		ret = wait_for_seed(run, &ready, err);
	if (!ret && ready)
		ret = map_seed(run, &ready, err);
	if (!ret && job->o->seed != SEED_OFF && !ready)
		ret = job_plan(job, false, err);
	if (ret)
		return ret;
	if (job->o->debug) {
		describe_load(stderr, job, METHOD_LOAD, ready);
		plan_print(stderr, &job->plan);
	}
	return seal_and_load(run, other_way, err);
}

static int load(struct run *run, struct error *err)
{
	const struct options *o = run->job.o;
	struct error ignored;
	bool other_way;
	int ret;

	run->had_one = kexec_is_loaded(o->target, &ignored) > 0;
	if (o->method == METHOD_FILE)
		return load_files(run, err);
	ret = load_plan(run, &other_way, err);
	if (!ret || o->method != METHOD_AUTO || !other_way || o->seed == SEED_OFF)
		return ret;
	if (job_check_file_load(&run->job, &ignored)) {
		error_prefix(err, "kexec_file_load would not take it and kexec_load was "
				  "refused");
		return ret;
	}
	job_note("using kexec_file_load", err);
	return load_files(run, err);
}

static int print_plan(struct job *job, struct error *err)
{
	int ret;

	ret = job_prepare_plan(job, err);
	if (!ret)
		ret = job_plan(job, job->o->seed != SEED_OFF, err);
	if (ret)
		return ret;
	if (job->o->json)
		return plan_print_json(stdout, &job->plan, err);
	plan_print(stdout, &job->plan);
	return 0;
}

/* A recipe goes with a crash image; that none can be kept is no reason to load nothing. */
static void open_recipes(struct run *run, struct recipe_dir *own)
{
	struct error err;

	if (recipe_dir_open(RECIPE_DIR, RECIPE_WAIT, own, &err))
		job_note("kexec-seed cannot refresh this image", &err);
	else
		run->record.dir = *own;
}

int run_load(const struct options *o, struct error *err)
{
	struct run run = { .record.dir = RECIPE_DIR_NONE };
	struct recipe_dir own = RECIPE_DIR_NONE;
	int ret;

	ret = job_prepare(&run.job, o, err);
	if (!ret && !o->dry_run)
		ret = refusal_foresee(o->target, err);
	if (!ret && !o->dry_run)
		ret = refusal_check_region(o->target, err);
	if (!ret && job_is_crash(&run.job) && !o->dry_run)
		open_recipes(&run, &own);
	if (!ret)
		ret = o->dry_run ? print_plan(&run.job, err) : load(&run, err);
	secret_wipe(&run.seed);
	record_end(&run.record);
	job_end(&run.job);
	recipe_dir_close(&own);
	return ret;
}

int run_reload(const struct recipe_dir *dir, const struct recipe *again,
	       const char *source, const struct load_guard *guard, struct error *err)
{
	struct run run = {
		.record = { .dir = *dir, .again = again, .source = source },
		.guard = guard,
	};
	int ret;

	ret = job_prepare(&run.job, &again->options, err);
	if (!ret)
		ret = refusal_foresee(again->options.target, err);
	if (!ret)
		ret = load(&run, err);
	secret_wipe(&run.seed);
	record_end(&run.record);
	job_end(&run.job);
	return ret;
}

int run_unload(const struct options *o, struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct error ignored;
	int ret;

	if (o->target == KEXEC_TARGET_CRASH)
		recipe_dir_open(RECIPE_DIR, RECIPE_WAIT, &dir, &ignored);
	ret = kexec_unload(o->target, err);
	if (!ret && dir.fd >= 0) {
		recipe_remove(&dir, RECIPE_NEXT, &ignored);
		recipe_remove(&dir, RECIPE_CURRENT, &ignored);
	}
	recipe_dir_close(&dir);
	return ret;
}

int run_print_crash_size(struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct facts facts = { 0 };
	const char *name;
	size_t size;
	int ret = facts_read("", &facts, err);

	if (!ret && facts.iomem.count) {
		printf("%llu\n", (unsigned long long)range_size(facts.crash));
	} else if (!kexec_sysfs_read("", KEXEC_SYSFS_CRASH_SIZE, &name, &text, &size)) {
		/* for all to read; since Linux 6.5 with the low part of SIZE,high */
		fputs(text, stdout);
		ret = 0;
	} else if (!ret) {
		ret = error_set(err, EACCES,
				"/proc/iomem hides its addresses (to root it does not)");
	}
	facts_free(&facts);
	return ret;
}

int run_leave(const struct options *o, struct error *err)
{
	int loaded = kexec_is_loaded(KEXEC_TARGET_NORMAL, err);

	if (loaded == 0) /* when the kernel does not tell, the jump will */
		return error_set(err, ENOENT, "no kernel is loaded: use kexec -l first");
	if (o->shutdown)
		return run_shutdown(err);
	if (o->sync)
		sync();
	if (o->ifdown)
		network_down();
	return reboot_kexec(err);
}
