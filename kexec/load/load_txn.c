// SPDX-License-Identifier: GPL-2.0-only
#include "load/load_txn.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "load/file_digest.h"
#include "load/kexec_load.h"
#include "load/load.h"
#include "load/readback.h"
#include "load/remedy.h"
#include "load/seed.h"
#include "machine/kcore.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/*
 * Size of the guard bytes, compared before and after each refresh. The kernel allocates
 * control pages bottom-up, at most two at a time: if the reserve overflowed into the
 * loaded kernel, these would be the first bytes it overwrites.
 */
#define GUARD_SIZE 8192u

static char *absolute(const char *path)
{
	return path ? realpath(path, NULL) : NULL;
}

/* The same for @names, one a line. */
static char *absolute_all(const char *names)
{
	struct bytes rest = text_from(names), line;
	char *all = NULL;

	while (text_cut(&rest, '\n', &line)) {
		_cleanup_free_ char *name = strndup((const char *)line.data, line.size);
		_cleanup_free_ char *path = name ? absolute(name) : NULL;
		char *joined = NULL;

		if (path && asprintf(&joined, "%s%s%s", all ? all : "", all ? "\n" : "",
				     path) < 0)
			joined = NULL;
		free(all);
		all = joined;
		if (!all)
			break;
	}
	return all;
}

/* The initrd may come from the UKI itself. */
static const char *initrd_path(const struct load *l)
{
	return l->own_initrd ? l->request->kernel : l->request->initrd;
}

static int cannot_find(const char *path, struct error *err)
{
	return error_set(err, errno, "cannot find %s again: %s", path, errno_text(errno));
}

/* Stores the request so that it works from any working directory. */
static int keep_request(const struct load *l, struct recipe *r, struct error *err)
{
	r->strings[0] = absolute(l->request->kernel);
	if (!r->strings[0])
		return cannot_find(l->request->kernel, err);
	r->strings[1] = absolute_all(initrd_path(l));
	if (initrd_path(l) && !r->strings[1])
		return cannot_find(initrd_path(l), err);
	r->strings[2] = strdup(l->cmdline);
	if (!r->strings[2])
		return error_set(err, ENOMEM, "out of memory");
	r->request = *l->request;
	r->request.kernel = r->strings[0];
	r->request.initrd = r->strings[1];
	r->request.cmdline = r->strings[2];
	r->request.reuse_cmdline = false;
	r->request.debug = r->request.dry_run = false;
	return 0;
}

static int digest_guard(const struct load *l, struct recipe *r, struct error *err)
{
	const struct segment *s = plan_find(&l->plan, SEGMENT_KERNEL);
	uint64_t offset = (uint64_t)(s->content.data - l->kernel.bytes.data);

	r->guard.addr = s->addr;
	r->guard.size = s->content.size < GUARD_SIZE ? s->content.size : GUARD_SIZE;
	return file_digest(&l->kernel, offset, r->guard.size, r->guard.digest, err);
}

static void keep_times(const struct load_txn *txn, struct recipe *r)
{
	clock_gettime(CLOCK_REALTIME, &r->loaded);
	if (!txn->again)
		return;
	r->refreshes = txn->again->refreshes + 1;
	r->refreshed = r->loaded;
	snprintf(r->source, sizeof(r->source), "%s", txn->source);
}

/* Takes the initrd's digest from the plan unless digests are off. */
static int digest_files(const struct load *l, struct recipe *r, struct error *err)
{
	const struct purgatory_params *p = plan_purgatory(&l->plan);
	int ret = file_digest(&l->kernel, 0, l->kernel.bytes.size, r->kernel_digest, err);

	if (ret || !l->initrd.mapping)
		return ret;
	for (uint32_t i = 0; p && i < p->nr_checks; i++)
		if (p->checks[i].kind == segment_code(SEGMENT_INITRD)) {
			memcpy(r->initrd_digest, p->checks[i].digest, SHA256_SIZE);
			return 0;
		}
	return file_digest(&l->initrd, 0, l->initrd.bytes.size, r->initrd_digest, err);
}

/* Before the seed is drawn: a fork in between must show later. */
static void keep_generation(const struct load_txn *txn, const struct load *l,
			    struct recipe *r)
{
	uint64_t addr = l->request->vmgenid_given ? l->request->vmgenid_addr
						  : l->machine.vmgenid.addr;

	if (!addr && txn->again) /* the tables may be hidden from us */
		addr = txn->again->generation.addr;
	generation_read("", addr, &r->generation);
}

/* Describes the load in @r. The plan stays the load's: do not free it with @r. */
static int describe(const struct load_txn *txn, const struct load *l,
		    enum recipe_method method, struct recipe *r, struct error *err)
{
	int ret;

	*r = (struct recipe){ .method = method, .region = l->machine.crash };
	if (!range_size(r->region) && txn->again) /* hidden from us, but unmoved */
		r->region = txn->again->region;
	if (!range_size(r->region) && l->machine_ret) {
		*err = l->no_machine;
		return l->machine_ret;
	}
	keep_times(txn, r);
	keep_generation(txn, l, r);
	ret = boot_id_read("", r->boot_id, err);
	if (!ret)
		ret = keep_request(l, r, err);
	if (!ret)
		ret = digest_files(l, r, err);
	if (ret || method != RECIPE_KEXEC_LOAD)
		return ret;
	memcpy(r->image_id, l->image_id, sizeof(r->image_id));
	r->plan = l->plan;
	return digest_guard(l, r, err);
}

void load_txn_end(struct load_txn *txn)
{
	txn->recipe.plan = (struct plan){ 0 };
	recipe_free(&txn->recipe);
}

static int check_unchanged(const struct load_txn *txn, const struct load *l,
			   const struct recipe *r, struct error *err)
{
	const struct recipe *old = txn->again;
	bool initrd;

	if (!old)
		return 0;
	initrd = memcmp(old->initrd_digest, r->initrd_digest, SHA256_SIZE);
	if (!initrd && !memcmp(old->kernel_digest, r->kernel_digest, SHA256_SIZE))
		return 0;
	return error_set(err, ESTALE,
			 "%s is not what was loaded (load the new one with %s)",
			 initrd && l->initrd.path ? l->initrd.path : r->request.kernel,
			 remedy_reload(""));
}

/* The recipe cannot be stored: adds a note and continues without a directory. */
static int go_without(struct load_txn *txn, const struct load *l, int ret,
		      struct error *err)
{
	if (txn->again)
		return ret;
	remedy_denied("", ret, err);
	notes_add_error(&l->io->notes, NOT_REFRESHABLE, err);
	txn->dir = RECIPE_DIR_NONE; /* closed by its owner */
	return 0;
}

int load_txn_begin(struct load_txn *txn, const struct load *l, enum recipe_method method,
		   struct error *err)
{
	int ret;

	if (txn->dir.fd < 0)
		return 0;
	load_txn_end(txn); /* drop the recipe of a method tried before */
	ret = describe(txn, l, method, &txn->recipe, err);
	if (!ret)
		ret = check_unchanged(txn, l, &txn->recipe, err);
	if (!ret)
		ret = recipe_write(&txn->dir, RECIPE_PENDING, &txn->recipe, err);
	return ret ? go_without(txn, l, ret, err) : 0;
}

static int unload_damaged(struct load_txn *txn, struct error *err)
{
	struct error why;

	load_txn_abort(txn);
	if (kexec_unload(KEXEC_TARGET_CRASH, &why))
		error_prefix(err, "the loaded image is damaged and STAYS LOADED (%s)",
			     why.text);
	else
		error_prefix(err, "the loaded image was damaged, nothing is loaded now");
	return -EIO;
}

/* Checks that the image lies as recorded and that the kernel did not overwrite it. */
static int check_image(const struct load *l, const struct kcore *k, struct recipe *r,
		       struct error *err)
{
	if (r->method == RECIPE_KEXEC_FILE_LOAD)
		return recipe_find_file_load(r, k, l->cmdline, err);
	return image_matches(k, r, err);
}

static int finish(struct load_txn *txn, const struct load *l, const struct kcore *k,
		  struct error *err)
{
	int ret = check_image(l, k, &txn->recipe, err);
	struct error id;

	/*
	 * another tool may have started its own load since: that image is not ours to
	 * unload
	 */
	if (ret == -EBADMSG && image_check_id(k, &txn->recipe, &id) == -ENODATA) {
		*err = id;
		ret = -ENODATA;
	}
	if (ret == -EBADMSG)
		return unload_damaged(txn, err);
	/* -ENODATA: another tool loaded after us, or encrypted memory reads as noise */
	if (ret)
		notes_add_error(&l->io->notes, "the loaded image was not checked", err);
	else if (txn->recipe.method == RECIPE_KEXEC_FILE_LOAD)
		return recipe_write(&txn->dir, RECIPE_PENDING, &txn->recipe, err);
	return 0;
}

int load_txn_commit(struct load_txn *txn, const struct load *l, struct error *err)
{
	struct kcore k = KCORE_NONE;
	int ret = 0;

	if (txn->dir.fd < 0)
		return 0;
	if (kcore_open(KCORE_PATH, &k, err))
		notes_add_error(&l->io->notes, "the loaded image was not checked", err);
	else
		ret = finish(txn, l, &k, err);
	kcore_close(&k);
	if (ret == -EIO)
		return ret;
	if (!ret)
		ret = recipe_commit(&txn->dir, err);
	return ret ? go_without(txn, l, ret, err) : 0;
}

void load_txn_abort(struct load_txn *txn)
{
	struct error ignored;

	if (txn->dir.fd >= 0)
		recipe_remove(&txn->dir, RECIPE_PENDING, &ignored);
}

/* Hidden pages read as zeroes, and this one never is: it holds the image ID. */
static bool is_hidden(const struct plan *plan)
{
	struct kcore k = KCORE_NONE;
	struct error ignored;
	bool hidden = arch_may_hide_load && !kcore_open(KCORE_PATH, &k, &ignored) &&
		      image_is_all_hidden(&k, plan);

	kcore_close(&k);
	return hidden;
}

/* Right before the second call: the loaded image must still be that of the first. */
static int is_still_hidden(const void *plan, struct error *err)
{
	struct kcore k = KCORE_NONE;
	struct error ignored;
	bool ours = !kcore_open(KCORE_PATH, &k, &ignored) && image_is_laid_out(&k, plan);

	kcore_close(&k);
	if (ours)
		return 0;
	return error_set(err, ENODATA, "another tool has loaded its own image");
}

int load_if_hidden(const struct plan *plan, struct notes *notes, struct error *err)
{
	const struct load_guard guard = { is_still_hidden, plan };
	struct plan again = plan_refreshed(plan);
	struct secret page = { 0 };
	struct error ignored;
	int ret = 0;

	if (!is_hidden(plan))
		return 0;
	if (plan->has_seed)
		ret = secret_map(plan->page_size, &page, err);
	if (!ret)
		ret = load_with_seed(&again, &page, KEXEC_TARGET_CRASH, &guard, NULL,
				     err);
	if (!ret || kexec_is_loaded(KEXEC_TARGET_CRASH, &ignored) <= 0)
		return ret;
	/* it is as good as before, but nothing shows the parts that a refresh leaves alone */
	notes_add_error(notes, "kexec-seed refresh will load all of this image again",
			err);
	return 0;
}

int load_unload(enum kexec_target target, struct error *err)
{
	struct recipe_dir dir = RECIPE_DIR_NONE;
	struct error ignored;
	int ret;

	if (target == KEXEC_TARGET_CRASH)
		recipe_dir_open(RUN_DIR, RECIPE_WAIT, &dir, &ignored);
	ret = kexec_unload(target, err);
	if (!ret && dir.fd >= 0) {
		recipe_remove(&dir, RECIPE_PENDING, &ignored);
		recipe_remove(&dir, RECIPE_CURRENT, &ignored);
	}
	recipe_dir_close(&dir);
	return ret;
}
