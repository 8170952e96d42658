// SPDX-License-Identifier: GPL-2.0-only
#include "job.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "load/seed.h"
#include "machine/vmgenid.h"
#include "plan/cmdline.h"

#include <errno.h>
#include <string.h>

/* What a retained initrd of the running kernel looks like: retain_initrd, Linux >= 5.12.
 */
#define RETAINED_INITRD "/sys/firmware/initrd"

/* MAX_ELFCOREHDR_STR_LEN of arch/x86/kernel/kexec-bzimage64.c. In bytes. */
#define FILE_LOAD_ELFCOREHDR 30u

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
	image_extras_free(&job->extras);
	free(job->cmdline);
}

/*
 * Whether an initrd other than a UKI's own is to be used. The recipe of a UKI names the
 * file itself as that of its initrd.
 */
static bool has_other_initrd(const struct options *o)
{
	return (o->initrd && strcmp(o->initrd, o->kernel) != 0) || o->reuse_initrd;
}

static bool has_other_cmdline(const struct options *o)
{
	return o->append || o->reuse_cmdline;
}

/* What a UKI brings with it, and what becomes of it. */
static void say_extras(const struct job *job)
{
	const struct options *o = job->o;
	const struct image_extras *e = &job->extras;

	if (job->image.type == IMAGE_BZIMAGE)
		return;
	fprintf(stderr, "%s: type %s\n", o->kernel, image_type_name(job->image.type));
	if (e->has_initrd)
		fprintf(stderr, "%s: its initrd is %s\n", o->kernel,
			has_other_initrd(o) ? "not used, another one was given" : "used");
	if (e->has_cmdline)
		fprintf(stderr, "%s: its command line is %s\n", o->kernel,
			has_other_cmdline(o) ? "not used, another one was given"
					     : "used");
	if (e->has_dtb)
		fprintf(stderr, "%s: its device tree is not used: x86 has none\n",
			o->kernel);
}

static int open_kernel(struct job *job, struct error *err)
{
	const struct options *o = job->o;
	const struct image_request request = {
		.type = o->type,
		.entry_32bit = o->entry_32bit,
		.initrd = !has_other_initrd(o),
		.cmdline = !has_other_cmdline(o),
	};
	int ret;

	ret = file_open(o->kernel, &job->kernel, err);
	job->kernel.progress = &job->progress;
	if (!ret)
		ret = image_open(&job->kernel, &request, &job->image, &job->extras, err);
	if (!ret && o->debug)
		say_extras(job);
	return ret;
}

static int open_initrd(struct job *job, struct error *err)
{
	int ret;

	if (job->extras.initrd.mapping) { /* only if it is wanted */
		job->own_initrd = true;
		job->initrd = job->extras.initrd;
		job->extras.initrd = FILE_NONE;
		return 0;
	}
	if (job->o->initrd)
		return file_open(job->o->initrd, &job->initrd, err);
	if (!job->o->reuse_initrd)
		return 0;
	ret = file_open(RETAINED_INITRD, &job->initrd, err);
	if (ret == -ENOENT)
		return error_set(
			err, ENOENT,
			"--reuseinitrd: the running kernel did not keep its initrd "
			"(boot it with retain_initrd)");
	return ret;
}

static int make_cmdline(struct job *job, struct error *err)
{
	const struct options *o = job->o;

	if (o->reuse_cmdline && !job->facts.cmdline)
		return error_set(err, ENOENT,
				 "--reuse-cmdline: cannot read /proc/cmdline");
	job->cmdline =
		cmdline_join(o->reuse_cmdline ? job->facts.cmdline : NULL,
			     has_other_cmdline(o) ? o->append : job->extras.cmdline,
			     job_is_crash(job));
	return job->cmdline ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* What the running kernel's loader of bzImages asks for: bzImage64_probe(). */
static int check_file_image(const struct job *job, struct error *err)
{
	const struct image *image = &job->image;
	const char *why = NULL;

	if (image->type == IMAGE_ELF)
		why = "is an ELF vmlinux";
	else if (job->o->entry_32bit)
		why = "cannot be entered in 32-bit mode (--entry-32bit) there";
	else if (image->entry_32bit)
		why = "has a 32-bit entry point only";
	else if (!image->above_4g)
		why = "must not lie above 4 GiB";
	return why ? error_set(err, ENOEXEC,
			       "%s %s: kexec_file_load (-s) does not take it, kexec_load "
			       "(-c) does",
			       job->o->kernel, why)
		   : 0;
}

/* bzImage64_load() keeps room for an elfcorehdr= of its own, also when it adds none. */
static int check_file_cmdline(const struct job *job, struct error *err)
{
	unsigned long long max = job->image.cmdline_max;
	size_t length = strlen(job->cmdline), kept = FILE_LOAD_ELFCOREHDR + 1;

	if (length + kept <= max)
		return 0;
	return error_set(err, EINVAL,
			 "the command line has %zu bytes, through kexec_file_load this "
			 "kernel takes %llu",
			 length, max > kept ? max - kept : 0);
}

/* The least that has to fit; where the rest goes is the running kernel's business. */
static int check_file_room(const struct job *job, struct error *err)
{
	uint64_t room = range_size(job->facts.crash), need;

	if (!job_is_crash(job) || !room) /* or it is not known */
		return 0;
	if (!__builtin_add_overflow(job->image.mem_size, job->initrd.bytes.size, &need) &&
	    need <= room)
		return 0;
	return error_set(err, EADDRNOTAVAIL,
			 "kernel and initrd do not fit into the %llu MiB that "
			 "crashkernel= reserves",
			 (unsigned long long)(room / MIB));
}

int job_check_file_load(const struct job *job, struct error *err)
{
	int ret = check_file_image(job, err);

	if (!ret)
		ret = check_file_cmdline(job, err);
	return ret ? ret : check_file_room(job, err);
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
	job->extras.initrd = FILE_NONE;
	progress_init(&job->progress, STDERR_FILENO);
	ret = open_kernel(job, err);
	if (!ret)
		ret = open_initrd(job, err);
	if (ret)
		return ret;
	job->kernel.progress = job->initrd.progress = &job->progress;
	ret = facts_read(root_of(job), &job->facts, err);
	if (ret && o->method != METHOD_FILE) /* for which the kernel reads its own */
		return ret;
	ret = make_cmdline(job, err);
	return ret || o->method != METHOD_FILE ? ret : job_check_file_load(job, err);
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
	else if (found.state == VMGENID_HIDDEN) /* what is shown is not what root gets */
		fprintf(stderr, "%s: a VM generation ID would not be seen: %s\n",
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
