// SPDX-License-Identifier: GPL-2.0-only
#include "run.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "image/decompress.h"
#include "image/image.h"
#include "load/kexec_load.h"
#include "load/reboot.h"
#include "load/seal.h"
#include "load/seed.h"
#include "machine/facts.h"
#include "machine/vmgenid.h"
#include "plan/cmdline.h"
#include "plan/plan.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What a retained initrd of the running kernel looks like: retain_initrd, Linux >= 5.12.
 */
#define RETAINED_INITRD "/sys/firmware/initrd"

/* Everything that a load needs, held together so that there is one way out. */
struct job {
	const struct options *o;
	struct file kernel;
	struct file initrd;
	struct image image;
	struct facts facts;
	char *cmdline;
	uint64_t generation_id;
	struct plan plan;
	struct secret seed;
	bool waited; /* for the kernel's generator, and what came of it: */
	bool seed_ready;
};

static void job_end(struct job *job)
{
	secret_wipe(&job->seed);
	plan_free(&job->plan);
	facts_free(&job->facts);
	file_close(&job->kernel);
	file_close(&job->initrd);
	free(job->cmdline);
}

static void note(const char *what, const struct error *err)
{
	fprintf(stderr, "kexec: %s: %s\n", what, err->text);
}

static int open_initrd(struct job *job, struct error *err)
{
	int ret;

	if (job->o->initrd)
		return file_open(job->o->initrd, &job->initrd, err);
	if (!job->o->reuse_initrd)
		return 0;
	ret = file_open_copy(RETAINED_INITRD, &job->initrd, err);
	if (ret == -ENOENT)
		return error_set(
			err, ENOENT,
			"--reuseinitrd: the running kernel did not keep its initrd "
			"(boot it with retain_initrd)");
	return ret;
}

static int open_files(struct job *job, struct error *err)
{
	int ret;

	ret = file_open(job->o->kernel, &job->kernel, err);
	if (!ret)
		ret = file_decompress(&job->kernel, err);
	if (!ret)
		ret = open_initrd(job, err);
	return ret;
}

static int make_cmdline(struct job *job, struct error *err)
{
	if (job->o->reuse_cmdline && !job->facts.cmdline)
		return error_set(err, ENOENT,
				 "--reuse-cmdline: cannot read /proc/cmdline");
	job->cmdline = cmdline_join(job->o->reuse_cmdline ? job->facts.cmdline : NULL,
				    job->o->append, job->o->target == KEXEC_TARGET_CRASH);
	return job->cmdline ? 0 : error_set(err, ENOMEM, "out of memory");
}

/*
 * Where the purgatory speaks. Unasked it is silent unless something is damaged, and then
 * it speaks where the next kernel would.
 */
static struct plan_console choose_console(const struct options *o, const char *cmdline)
{
	struct cmdline_console next = cmdline_serial(cmdline);
	struct plan_console c = { .serial_port = o->serial_port,
				  .serial_baud = o->serial_baud };

	if (o->console_serial || o->console_vga)
		c.flags |= PURGATORY_CONSOLE_VERBOSE;
	if (o->console_vga)
		c.flags |= PURGATORY_CONSOLE_VGA;
	if (o->console_serial || o->serial_port || next.port)
		c.flags |= PURGATORY_CONSOLE_SERIAL;
	if (!c.serial_port)
		c.serial_port = next.port ? next.port : serial_port_of("ttyS0");
	return c;
}

/*
 * Where the purgatory will find the VM generation ID: where the user says, else where
 * ACPI's tables say. That there is one but in no known shape is worth a word.
 */
static void find_generation_id(struct job *job)
{
	struct vmgenid_facts found = job->facts.vmgenid;
	const struct options *o = job->o;

	if (o->mix_off || o->seed == SEED_OFF)
		return;
	if (o->vmgenid_given) {
		found = (struct vmgenid_facts){ .state = VMGENID_FOUND,
						.addr = o->vmgenid_addr };
		vmgenid_check(&job->facts, &found);
	}
	if (found.state == VMGENID_FOUND)
		job->generation_id = found.addr;
	else if (found.state == VMGENID_UNKNOWN_SHAPE ||
		 found.state == VMGENID_BAD_ADDRESS)
		fprintf(stderr,
			"kexec: the VM generation ID is not used: %s (see --vmgenid-addr)\n",
			found.why);
}

static int make_plan(struct job *job, bool seed, struct error *err)
{
	const struct options *o = job->o;
	struct plan_options opts = {
		.command_line = job->cmdline,
		.initrd = job->initrd.bytes,
		.mem_min = o->mem_min,
		.mem_max = o->mem_max,
		.noefi = o->noefi,
		.seed = seed,
		.mix = !o->mix_off,
		.generation_id = job->generation_id,
		.verify = !o->no_checks,
		.on_corruption = o->on_corruption,
		.console = choose_console(o, job->cmdline),
	};

	plan_free(&job->plan);
	return plan_make(&job->facts, &job->image, &opts, &job->plan, err);
}

/*
 * There will be no seed, for the reason in @err (@ret). A kernel without one is better
 * than no kernel, so without --seed=require the load goes on, and that is said.
 */
static int go_without_seed(const struct job *job, int ret, struct error *err)
{
	if (job->o->seed == SEED_REQUIRE) {
		error_prefix(err, "nothing loaded, because --seed=require");
		return ret;
	}
	note("loading without a seed", err);
	return 0;
}

/* Waits for the kernel's generator, at most once. *@ready tells what came of it. */
static int wait_for_seed(struct job *job, bool *ready, struct error *err)
{
	int ret = 0;

	if (job->o->seed == SEED_OFF)
		return 0;
	if (!job->waited) {
		job->waited = true;
		ret = seed_wait(job->o->seed_timeout, err);
		job->seed_ready = !ret;
	}
	*ready = job->seed_ready;
	return ret ? go_without_seed(job, ret, err) : 0;
}

/* The page that the seed will be drawn into; without it there is none either. */
static int map_seed(struct job *job, bool *ready, struct error *err)
{
	int ret = secret_map((size_t)sysconf(_SC_PAGESIZE), &job->seed, err);

	*ready = !ret;
	return ret ? go_without_seed(job, ret, err) : 0;
}

static int load_files(struct job *job, struct error *err)
{
	const struct options *o = job->o;
	struct error ignored;
	bool ready = false;
	int ret;

	/* The kernel draws the seed; it leaves it out when its generator is not ready. */
	ret = wait_for_seed(job, &ready, err);
	if (ret)
		return ret;
	ret = kexec_load_files(job->kernel.fd, job->initrd.fd, job->cmdline, o->target,
			       err);
	/* The kernel gives a crash kernel up before it looks at the next one. */
	if (ret && o->target == KEXEC_TARGET_CRASH &&
	    kexec_is_loaded(o->target, &ignored) == 0)
		error_prefix(err, "no crash kernel is loaded now");
	return ret;
}

/* Are both files still what was hashed? */
static int check_files(const struct job *job, struct error *err)
{
	int ret = file_check(&job->kernel, err);

	return ret || !job->initrd.mapping ? ret : file_check(&job->initrd, err);
}

/*
 * The digests are those of the files when they were read; the kernel copied them a moment
 * later. An image that would fail its own check must not stay.
 */
static int unload_changed(struct job *job, const struct error *changed, struct error *err)
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

/*
 * The moments in which the seed exists: drawn, hashed, handed over, wiped. No signal may
 * end this process in between and leave the page to the next user of the memory.
 */
static int lend_and_load(struct job *job, bool *other_way, struct error *err)
{
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (job->plan.has_seed)
		ret = seed_lend(&job->plan, &job->seed, err);
	if (!ret) {
		seal_finish(&job->plan);
		ret = kexec_load_plan(&job->plan, job->o->target, other_way, err);
	}
	secret_wipe(&job->seed);
	secret_wipe_stack();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

static int seal_and_load(struct job *job, bool *other_way, struct error *err)
{
	const struct file *const files[] = { &job->kernel, &job->initrd };
	struct error changed;
	int ret;

	ret = seal_contents(&job->plan, files, 2, err);
	if (ret)
		return ret;
	ret = lend_and_load(job, other_way, err);
	if (!check_files(job, &changed))
		return ret;
	*other_way = false;
	if (!ret)
		return unload_changed(job, &changed, err);
	*err = changed;
	return -ESTALE;
}

static int load_plan(struct job *job, bool *other_way, struct error *err)
{
	bool ready = false;
	int ret;

	*other_way = false;
	find_generation_id(job);
	/* whatever is wrong with the plan is told before anything is waited for */
	ret = make_plan(job, job->o->seed != SEED_OFF, err);
	if (!ret)
		ret = wait_for_seed(job, &ready, err);
	if (!ret && ready)
		ret = map_seed(job, &ready, err);
	if (!ret && job->o->seed != SEED_OFF && !ready)
		ret = make_plan(job, false, err);
	if (ret)
		return ret;
	if (job->o->debug)
		plan_print(stderr, &job->plan, &job->facts);
	return seal_and_load(job, other_way, err);
}

static int load(struct job *job, struct error *err)
{
	bool other_way;
	int ret;

	if (job->o->method == METHOD_FILE || job->o->target == KEXEC_TARGET_CRASH)
		return load_files(job, err);
	ret = load_plan(job, &other_way, err);
	if (!ret || job->o->method != METHOD_AUTO || !other_way ||
	    job->o->seed == SEED_OFF)
		return ret;
	note("using kexec_file_load", err);
	return load_files(job, err);
}

static int print_plan(struct job *job, struct error *err)
{
	int ret;

	find_generation_id(job);
	ret = make_plan(job, job->o->seed != SEED_OFF, err);
	if (ret)
		return ret;
	if (job->o->json)
		return plan_print_json(stdout, &job->plan, &job->facts, err);
	plan_print(stdout, &job->plan, &job->facts);
	return 0;
}

static int prepare(struct job *job, struct error *err)
{
	int ret;

	ret = open_files(job, err);
	if (ret)
		return ret;
	ret = image_parse(file_head(&job->kernel), job->kernel.bytes, &job->image, err);
	if (ret) {
		error_prefix(err, "%s", job->o->kernel);
		return ret;
	}
	ret = facts_read(job->o->facts_root ? job->o->facts_root : "", &job->facts, err);
	return ret ? ret : make_cmdline(job, err);
}

int run_load(const struct options *o, struct error *err)
{
	struct job job = { .o = o, .kernel = FILE_NONE, .initrd = FILE_NONE };
	int ret;

	ret = prepare(&job, err);
	if (!ret)
		ret = o->dry_run ? print_plan(&job, err) : load(&job, err);
	job_end(&job);
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
