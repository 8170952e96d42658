// SPDX-License-Identifier: GPL-2.0-only
#include "record.h"

#include "base/cleanup.h"
#include "load/file_digest.h"
#include "load/kexec_load.h"
#include "load/loaded.h"
#include "machine/kcore.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/*
 * What is compared before and after each refresh: the kernel takes control pages upwards,
 * two at a time at most, so these would be the first that it takes from a loaded kernel.
 */
#define NEIGHBOUR_SIZE 8192u

static char *absolute(const char *path)
{
	return path ? realpath(path, NULL) : NULL;
}

/* The file that the initrd is from: a UKI may have brought its own. */
static const char *initrd_path(const struct job *job)
{
	return job->own_initrd ? job->o->kernel : job->o->initrd;
}

/* How to load the same again, from anywhere. */
static int keep_options(const struct job *job, struct recipe *r, struct error *err)
{
	const struct options *o = job->o;

	r->strings[0] = absolute(o->kernel);
	r->strings[1] = absolute(initrd_path(job));
	r->strings[2] = strdup(job->cmdline);
	if (!r->strings[0] || (initrd_path(job) && !r->strings[1]) || !r->strings[2])
		return error_set(err, errno, "cannot find %s again: %s", o->kernel,
				 strerror(errno));
	r->options = *o;
	r->options.kernel = r->strings[0];
	r->options.initrd = r->strings[1];
	r->options.append = r->strings[2];
	r->options.reuse_cmdline = false;
	r->options.unload = r->options.exec = r->options.shutdown = false;
	r->options.sync = r->options.ifdown = false;
	r->options.debug = r->options.dry_run = r->options.json = false;
	return 0;
}

static int digest_neighbour(const struct job *job, struct recipe *r, struct error *err)
{
	const struct segment *s = plan_find(&job->plan, PURGATORY_KIND_KERNEL);
	uint64_t offset = (uint64_t)(s->content.data - job->kernel.bytes.data);

	r->neighbour.addr = s->addr;
	r->neighbour.size =
		s->content.size < NEIGHBOUR_SIZE ? s->content.size : NEIGHBOUR_SIZE;
	return file_digest(&job->kernel, offset, r->neighbour.size, r->neighbour.digest,
			   err);
}

static void keep_times(const struct record *rec, struct recipe *r)
{
	clock_gettime(CLOCK_REALTIME, &r->loaded);
	if (!rec->again)
		return;
	r->refreshes = rec->again->refreshes + 1;
	r->refreshed = r->loaded;
	snprintf(r->source, sizeof(r->source), "%s", rec->source);
}

/* Of the initrd the seal has made one already, unless it was told not to. */
static int digest_files(const struct job *job, struct recipe *r, struct error *err)
{
	const struct purgatory_params *p = plan_purgatory(&job->plan);
	int ret = file_digest(&job->kernel, 0, job->kernel.bytes.size, r->kernel_digest,
			      err);

	if (ret || !job->initrd.mapping)
		return ret;
	for (uint32_t i = 0; p && i < p->nr_checks; i++)
		if (p->checks[i].kind == PURGATORY_KIND_INITRD) {
			memcpy(r->initrd_digest, p->checks[i].digest, SHA256_SIZE);
			return 0;
		}
	return file_digest(&job->initrd, 0, job->initrd.bytes.size, r->initrd_digest,
			   err);
}

/* The recipe of the job; its plan is the job's own and must not be freed with it. */
static int describe(const struct record *rec, const struct job *job,
		    enum recipe_method method, struct recipe *r, struct error *err)
{
	int ret;

	*r = (struct recipe){ .method = method, .region = job->facts.crash };
	if (!range_size(r->region) &&
	    rec->again) /* who may not see it: it has not moved */
		r->region = rec->again->region;
	keep_times(rec, r);
	ret = boot_id_read("", r->boot_id, err);
	if (!ret)
		ret = keep_options(job, r, err);
	if (!ret)
		ret = digest_files(job, r, err);
	if (ret || method != RECIPE_KEXEC_LOAD)
		return ret;
	memcpy(r->image_id, job->image_id, sizeof(r->image_id));
	r->plan = job->plan;
	return digest_neighbour(job, r, err);
}

void record_end(struct record *rec)
{
	rec->recipe.plan = (struct plan){ 0 };
	recipe_free(&rec->recipe);
}

static int check_unchanged(const struct record *rec, const struct recipe *r,
			   struct error *err)
{
	const struct recipe *old = rec->again;
	bool initrd;

	if (!old)
		return 0;
	initrd = memcmp(old->initrd_digest, r->initrd_digest, SHA256_SIZE);
	if (!initrd && !memcmp(old->kernel_digest, r->kernel_digest, SHA256_SIZE))
		return 0;
	return error_set(
		err, ESTALE, "%s is not what was loaded (load the new one with kexec -p)",
		initrd && r->options.initrd ? r->options.initrd : r->options.kernel);
}

/* A recipe that cannot be kept: a note, and from here on there is no folder. */
static int go_without(struct record *rec, int ret, struct error *err)
{
	if (rec->again)
		return ret;
	job_note("kexec-seed cannot refresh this image", err);
	rec->dir = RECIPE_DIR_NONE; /* which is still its owner's to close */
	return 0;
}

int record_begin(struct record *rec, const struct job *job, enum recipe_method method,
		 struct error *err)
{
	int ret;

	if (rec->dir.fd < 0)
		return 0;
	record_end(rec); /* of another way that was tried before */
	ret = describe(rec, job, method, &rec->recipe, err);
	if (!ret)
		ret = check_unchanged(rec, &rec->recipe, err);
	if (!ret)
		ret = recipe_write(&rec->dir, RECIPE_NEXT, &rec->recipe, err);
	return ret ? go_without(rec, ret, err) : 0;
}

static int unload_damaged(struct record *rec, struct error *err)
{
	struct error why;

	record_abort(rec);
	if (kexec_unload(KEXEC_TARGET_CRASH, &why))
		error_prefix(err, "the loaded image is damaged and STAYS LOADED (%s)",
			     why.text);
	else
		error_prefix(err, "the loaded image was damaged, nothing is loaded now");
	return -EIO;
}

/* Does it lie where the recipe says, and did the kernel keep out of it? */
static int look_at_image(const struct job *job, const struct kcore *k, struct recipe *r,
			 struct error *err)
{
	if (r->method == RECIPE_KEXEC_FILE_LOAD)
		return loaded_find(k, r->region, job->cmdline, r, err);
	return loaded_prove(k, r, err);
}

static int finish(struct record *rec, const struct job *job, const struct kcore *k,
		  struct error *err)
{
	int ret = look_at_image(job, k, &rec->recipe, err);
	struct error tag;

	/* another tool may have begun to load its own while we looked: not ours to unload */
	if (ret == -EBADMSG && loaded_check_tag(k, &rec->recipe, &tag) == -ENODATA) {
		*err = tag;
		ret = -ENODATA;
	}
	if (ret == -EBADMSG)
		return unload_damaged(rec, err);
	/* -ENODATA: another tool has been quick, or memory is encrypted and reads as noise */
	if (ret)
		job_note("the loaded image was not looked at", err);
	else if (rec->recipe.method == RECIPE_KEXEC_FILE_LOAD)
		return recipe_write(&rec->dir, RECIPE_NEXT, &rec->recipe, err);
	return 0;
}

int record_commit(struct record *rec, const struct job *job, struct error *err)
{
	struct kcore k = KCORE_NONE;
	int ret = 0;

	if (rec->dir.fd < 0)
		return 0;
	if (kcore_open(KCORE_PATH, &k, err))
		job_note("the loaded image was not looked at", err);
	else
		ret = finish(rec, job, &k, err);
	kcore_close(&k);
	if (ret == -EIO)
		return ret;
	if (!ret)
		ret = recipe_promote(&rec->dir, err);
	return ret ? go_without(rec, ret, err) : 0;
}

void record_abort(struct record *rec)
{
	struct error ignored;

	if (rec->dir.fd >= 0)
		recipe_remove(&rec->dir, RECIPE_NEXT, &ignored);
}
