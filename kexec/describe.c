// SPDX-License-Identifier: GPL-2.0-only
#include "describe.h"

static void print_file(FILE *to, const char *what, const struct file *f)
{
	if (f->mapping)
		fprintf(to, "%-12s %s, %llu KiB", what, f->path,
			(unsigned long long)(f->bytes.size + 1023) / 1024);
	else
		fprintf(to, "%-12s none", what);
}

static const char *seed_text(const struct job *job, enum kexec_method method, bool seed)
{
	if (job->o->seed == SEED_OFF)
		return "none, because of --seed=off";
	if (!seed)
		return "none, the random number generator is not ready";
	if (method == METHOD_FILE)
		return "drawn by the kernel";
	return job->o->mix_off ? "32 bytes" : "32 bytes, made unique before the jump";
}

void describe_load(FILE *to, const struct job *job, enum kexec_method method, bool seed)
{
	bool by_kernel = method == METHOD_FILE;

	print_file(to, "kernel", &job->kernel);
	fprintf(to, ", %s\n", image_type_name(job->image.type));
	print_file(to, "initrd", &job->initrd);
	fprintf(to, "\nloading      as the %s kernel, with %s()\n",
		job_is_crash(job) ? "crash" : "next",
		by_kernel ? "kexec_file_load" : "kexec_load");
	fprintf(to, "seed         %s\n", seed_text(job, method, seed));
	if (by_kernel)
		fprintf(to, "command line %s\n", job->cmdline);
	else
		fprintf(to, "digests      %s\n",
			job->o->no_checks ? "not checked" : "checked before the jump");
}
