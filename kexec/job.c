// SPDX-License-Identifier: GPL-2.0-only
#include "job.h"

#include "base/cleanup.h"
#include "image/decompress.h"
#include "load/seed.h"
#include "machine/vmgenid.h"
#include "plan/cmdline.h"

#include <errno.h>
#include <string.h>

/* What a retained initrd of the running kernel looks like: retain_initrd, Linux >= 5.12.
 */
#define RETAINED_INITRD "/sys/firmware/initrd"

void job_note(const char *what, const struct error *err)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, err->text);
}

void job_end(struct job *job)
{
	plan_free(&job->plan);
	facts_free(&job->facts);
	dump_facts_free(&job->dump);
	file_close(&job->kernel);
	file_close(&job->initrd);
	free(job->cmdline);
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
				    job->o->append, job_is_crash(job));
	return job->cmdline ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* Where to look: another machine's files, or the running one's. */
static const char *root_of(const struct job *job)
{
	return job->o->facts_root ? job->o->facts_root : "";
}

int job_prepare(struct job *job, const struct options *o, struct error *err)
{
	int ret;

	*job = (struct job){ .o = o, .kernel = FILE_NONE, .initrd = FILE_NONE };
	ret = open_files(job, err);
	if (ret)
		return ret;
	ret = image_parse(file_head(&job->kernel), job->kernel.bytes, &job->image, err);
	if (ret) {
		error_prefix(err, "%s", o->kernel);
		return ret;
	}
	ret = facts_read(root_of(job), &job->facts, err);
	if (ret && o->method != METHOD_FILE) /* for which the kernel reads its own */
		return ret;
	return make_cmdline(job, err);
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
			"%s: the VM generation ID is not used: %s (see --vmgenid-addr)\n",
			program_invocation_short_name, found.why);
}

int job_prepare_plan(struct job *job, struct error *err)
{
	int ret;

	find_generation_id(job);
	if (!job_is_crash(job))
		return 0;
	ret = dump_facts_read(root_of(job), &job->dump, err);
	if (ret)
		return ret;
	if (job->o->hotplug && !job->dump.hotplug_size)
		fprintf(stderr,
			"%s: --hotplug: the running kernel cannot keep the ELF core "
			"headers up to date (Linux 6.6 and later can)\n",
			program_invocation_short_name);
	if (job->o->dry_run) /* the same output every time */
		return 0;
	return id_draw(job->image_id, sizeof(job->image_id), err);
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

int job_plan(struct job *job, bool seed, struct error *err)
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
		.dump = job_is_crash(job) ? &job->dump : NULL,
		.hotplug = o->hotplug,
		.memmap_cmdline = o->memmap_cmdline,
	};

	memcpy(opts.image_id, job->image_id, sizeof(opts.image_id));
	plan_free(&job->plan);
	return plan_make(&job->facts, &job->image, &opts, &job->plan, err);
}

int job_check_files(const struct job *job, struct error *err)
{
	int ret = file_check(&job->kernel, err);

	return ret || !job->initrd.mapping ? ret : file_check(&job->initrd, err);
}
