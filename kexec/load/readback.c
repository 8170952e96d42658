// SPDX-License-Identifier: GPL-2.0-only
#include "load/readback.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "digest.h"
#include "load/digests.h"
#include "load/file_digest.h"
#include "load/seed.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

static int read_kcore(const void *from, uint64_t addr, void *buf, size_t size,
		      struct error *err)
{
	return kcore_read(from, addr, buf, size, err);
}

/* Single-threaded: the kernel copies through one buffer per open file. */
int readback_digest(const struct kcore *k, uint64_t addr, uint64_t size,
		    uint8_t out[SHA256_SIZE], struct error *err)
{
	struct digest_source source = { .read = read_kcore, .from = k, .alone = true };

	return source_digest(&source, addr, size, out, err);
}

/*
 * Any other load overwrites the image ID or, without one, the boot data. Differences
 * elsewhere mean that our own image is damaged.
 */
static int is_different(struct error *err, bool ours, const char *what, uint64_t addr)
{
	if (ours)
		return error_set(err, EBADMSG,
				 "the loaded image is damaged: %s at 0x%llx", what,
				 (unsigned long long)addr);
	return error_set(err, ENODATA,
			 "another crash image is loaded: the %s at 0x%llx is not ours",
			 what, (unsigned long long)addr);
}

static int compare(const struct kcore *k, const char *what, uint64_t addr,
		   struct bytes want, bool ours, struct error *err)
{
	_cleanup_free_ uint8_t *got = malloc(want.size);
	int ret;

	if (!got)
		return error_set(err, ENOMEM, "out of memory");
	ret = kcore_read(k, addr, got, want.size, err);
	if (ret)
		return ret;
	return memcmp(got, want.data, want.size) ? is_different(err, ours, what, addr)
						 : 0;
}

static int compare_digest(const struct kcore *k, const char *what,
			  const struct known_range *c, bool ours, struct error *err)
{
	uint8_t got[SHA256_SIZE];
	int ret = readback_digest(k, c->addr, c->size, got, err);

	if (ret)
		return ret;
	return memcmp(got, c->digest, sizeof(got))
		       ? is_different(err, ours, what, c->addr)
		       : 0;
}

static bool self_is_right(const struct purgatory_params *p)
{
	uint8_t self[SHA256_SIZE];

	purgatory_self_digest(p, self);
	return !memcmp(self, p->self_sha256, sizeof(self));
}

/*
 * Compares the purgatory, ignoring what a refresh changes even if it cannot write the
 * recipe: the digest of the seed, and the CPU's features. The block's own digest covers
 * them.
 */
static int compare_purgatory(const struct kcore *k, const struct segment *s,
			     struct purgatory_params *memory, struct error *err)
{
	_cleanup_free_ struct purgatory_params *want = malloc(s->content.size);
	bool right;
	int ret;

	if (!want)
		return error_set(err, ENOMEM, "out of memory");
	ret = kcore_read(k, s->addr, memory, s->content.size, err);
	if (ret)
		return ret;
	right = !memory->nr_checks || self_is_right(memory);
	memcpy(want, s->content.data, s->content.size);
	digests_clear_seed(want);
	digests_clear_seed(memory);
	want->digest_impl = memory->digest_impl;
	want->mix_inputs = memory->mix_inputs;
	if (!right || memcmp(want, memory, s->content.size))
		return is_different(err, true, "purgatory", s->addr);
	return 0;
}

static int check_purgatory(const struct kcore *k, const struct segment *s,
			   struct error *err)
{
	_cleanup_free_ struct purgatory_params *memory = malloc(s->content.size);
	int ret;

	if (!memory)
		return error_set(err, ENOMEM, "out of memory");
	ret = compare_purgatory(k, s, memory, err);
	explicit_bzero(memory, s->content.size);
	return ret;
}

/* If the kernel may have updated the headers, only checks for the ELF magic. */
static int check_elfcorehdr(const struct kcore *k, const struct plan *plan,
			    const struct segment *s, struct error *err)
{
	struct bytes want = s->content;

	if (plan->hotplug)
		want.size = SELFMAG;
	return compare(k, "elfcorehdr", s->addr, want, true, err);
}

static int check_segment(const struct kcore *k, const struct plan *plan,
			 const struct segment *s, struct error *err)
{
	switch (s->kind) {
	case SEGMENT_IMAGE_ID:
	case SEGMENT_BOOT_DATA:
		return compare(k, segment_name(s->kind), s->addr, s->content,
			       s->kind != SEGMENT_IMAGE_ID, err);
	case SEGMENT_PURGATORY: /* an outdated recipe may lack its content */
		return s->content.data ? check_purgatory(k, s, err) : 0;
	case SEGMENT_ELFCOREHDR:
		return check_elfcorehdr(k, plan, s, err);
	default:
		return 0;
	}
}

/* What a page that should hold the image ID holds. */
enum id_page { ID_LACKING, ID_OURS, ID_ZERO, ID_OTHER };

static int read_id(const struct kcore *k, const struct plan *plan, enum segment_kind kind,
		   enum id_page *out, struct error *err)
{
	static const struct image_id zero;
	const struct segment *s = plan_find(plan, kind);
	struct image_id got;
	int ret;

	*out = ID_LACKING;
	if (!s)
		return 0;
	ret = kcore_read(k, s->addr, &got, sizeof(got), err);
	if (!ret)
		*out = !memcmp(&got, plan->image_id, sizeof(got)) ? ID_OURS
		       : !memcmp(&got, &zero, sizeof(got))	  ? ID_ZERO
								  : ID_OTHER;
	return ret;
}

static bool is_fine(enum id_page page)
{
	return page == ID_OURS || page == ID_LACKING;
}

/*
 * The lowest pages tell whether the last load was ours. If the kernel hides that load, they
 * read as zeroes, and the static copy tells which image lies above it.
 */
static int check_id(const struct kcore *k, const struct plan *plan, bool *hidden,
		    struct error *err)
{
	const struct segment *s = plan_find(plan, SEGMENT_IMAGE_ID);
	enum id_page first, second, copy;
	int ret = read_id(k, plan, SEGMENT_IMAGE_ID, &first, err);

	*hidden = false;
	if (!ret)
		ret = read_id(k, plan, SEGMENT_IMAGE_ID_SECOND, &second, err);
	if (!ret)
		ret = read_id(k, plan, SEGMENT_IMAGE_ID_STATIC, &copy, err);
	if (ret)
		return ret;
	if (first == ID_OURS && is_fine(second)) {
		if (is_fine(copy))
			return 0;
		s = plan_find(plan, SEGMENT_IMAGE_ID_STATIC);
		return is_different(err, true, segment_name(s->kind), s->addr);
	}
	if (first == ID_ZERO && second == ID_ZERO && copy == ID_OURS) {
		*hidden = true;
		return 0;
	}
	if (first == ID_ZERO && second == ID_ZERO && copy == ID_ZERO)
		return error_set(err, EAGAIN,
				 "the kernel hides the loaded image from /proc/kcore "
				 "(Linux before 6.4), or there is none");
	return is_different(err, false, segment_name(SEGMENT_IMAGE_ID), s->addr);
}

int image_check_id(const struct kcore *k, const struct recipe *r, struct error *err)
{
	bool hidden;

	return plan_find(&r->plan, SEGMENT_IMAGE_ID) ? check_id(k, &r->plan, &hidden, err)
						     : -EINVAL;
}

bool image_is_hidden(const struct kcore *k, const struct plan *plan)
{
	struct error ignored;
	bool hidden;

	return plan_find(plan, SEGMENT_IMAGE_ID) &&
	       !check_id(k, plan, &hidden, &ignored) && hidden;
}

bool image_is_all_hidden(const struct kcore *k, const struct plan *plan)
{
	struct error ignored;
	enum id_page copy;

	return !read_id(k, plan, SEGMENT_IMAGE_ID_STATIC, &copy, &ignored) &&
	       copy == ID_ZERO;
}

int image_check_guard(const struct kcore *k, const struct recipe *r, struct error *err)
{
	bool ours = r->method == RECIPE_KEXEC_LOAD;

	return compare_digest(k, ours ? "kernel" : "elfcorehdr", &r->guard, ours, err);
}

static int check_file_load(const struct kcore *k, const struct recipe *r,
			   struct error *err)
{
	if (!r->boot_data.size)
		return error_set(err, ENOTSUP, "where the image lies was not found");
	return compare_digest(k, arch_boot_data_name, &r->boot_data, false, err);
}

/* The kernel writes the last one of its pages, vmcoreinfo's, at the load. */
bool image_is_laid_out(const struct kcore *k, const struct plan *plan)
{
	static const uint8_t zero[64];
	uint64_t last = plan->control_reserve.end - plan->page_size;
	uint8_t got[sizeof(zero)];
	struct error ignored;
	bool hidden;

	return plan_find(plan, SEGMENT_IMAGE_ID_STATIC) &&
	       check_id(k, plan, &hidden, &ignored) == -EAGAIN &&
	       !kcore_read(k, last, got, sizeof(got), &ignored) &&
	       memcmp(got, zero, sizeof(got)) != 0;
}

/* The last load's segments are hidden: those that are not belong to an older one. */
static int check_hidden(const struct kcore *k, const struct segment *s, struct error *err)
{
	_cleanup_free_ uint8_t *zero = NULL;

	if (!segment_is_refreshed(s->kind) || s->kind == SEGMENT_SEED)
		return 0;
	zero = calloc(1, s->content.size);
	if (!zero)
		return error_set(err, ENOMEM, "out of memory");
	return compare(k, segment_name(s->kind), s->addr,
		       (struct bytes){ zero, s->content.size }, false, err);
}

int image_matches(const struct kcore *k, const struct recipe *r, struct error *err)
{
	bool hidden = false;
	int ret = r->method == RECIPE_KEXEC_FILE_LOAD
			  ? check_file_load(k, r, err)
			  : check_id(k, &r->plan, &hidden, err);

	for (size_t i = 0; !ret && i < r->plan.nr_segments; i++) {
		const struct segment *s = &r->plan.segments[i];

		ret = hidden ? check_hidden(k, s, err)
			     : check_segment(k, &r->plan, s, err);
	}
	return ret ? ret : image_check_guard(k, r, err);
}

static int know_range(const struct kcore *k, uint64_t addr, uint64_t size,
		      struct known_range *out, struct error *err)
{
	*out = (struct known_range){ .addr = addr, .size = size };
	return readback_digest(k, addr, size, out->digest, err);
}

int recipe_find_file_load(struct recipe *r, const struct kcore *k, const char *cmdline,
			  struct error *err)
{
	struct file_load_image found;
	int ret = arch_find_file_load(k, r->region, cmdline, &found, err);

	if (!ret)
		ret = know_range(k, found.boot_data.start, range_size(found.boot_data),
				 &r->boot_data, err);
	if (!ret) /* the kernel updates only bytes after these */
		ret = know_range(k, found.elfcorehdr, EI_NIDENT, &r->guard, err);
	if (!ret)
		r->seed_node = found.seed;
	return ret;
}

/*
 * Reads the seed's page into locked memory. The kernel copies it through a buffer of its
 * own: reading the next page overwrites that.
 */
static int digest_seed(const struct kcore *k, const struct purgatory_check *c,
		       uint8_t out[SHA256_SIZE], struct error *err)
{
	struct secret page = { 0 };
	const uint64_t size = page_size();
	_cleanup_free_ uint8_t *other = malloc(size);
	struct error ignored;
	int ret = other ? secret_map(align_up(c->size, size), &page, err)
			: error_set(err, ENOMEM, "out of memory");

	if (ret)
		return ret;
	ret = kcore_read(k, c->addr, page.data, c->size, err);
	if (!ret)
		digest_range(digest_best_impl(), page.data, c->size, out);
	secret_wipe(&page);
	secret_wipe_stack();
	if (ret)
		kcore_read(k, c->addr + size, other, size, &ignored);
	else
		ret = kcore_read(k, c->addr + size, other, size, err);
	return ret;
}

static int digest_part(const struct kcore *k, const struct purgatory_check *c,
		       uint8_t out[SHA256_SIZE], struct error *err)
{
	if (c->kind == segment_code(SEGMENT_SEED))
		return digest_seed(k, c, out, err);
	return readback_digest(k, c->addr, c->size, out, err);
}

static bool is_refreshed(const struct purgatory_check *c)
{
	enum segment_kind kind = SEGMENT_KINDS;

	return segment_from_code(c->kind, &kind) && segment_is_refreshed(kind);
}

static const char *part_name(const struct purgatory_check *c)
{
	enum segment_kind kind = SEGMENT_KINDS;

	segment_from_code(c->kind, &kind);
	return segment_name(kind);
}

/*
 * Without the digests of the purgatory: compares what the recipe holds, and kernel and
 * initrd by digest.
 */
static int verify_outdated(const struct kcore *k, const struct recipe *r,
			   void (*damaged)(void *to, const char *part, uint64_t addr,
					   uint64_t size),
			   void *to, struct error *err)
{
	const struct plan *plan = &r->plan;
	int ret = 0;

	for (size_t i = 0; !ret && i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];
		struct known_range part = { .addr = s->addr, .size = s->content.size };

		memcpy(part.digest, r->initrd_digest, sizeof(part.digest));
		if (s->kind == SEGMENT_INITRD)
			ret = compare_digest(k, "initrd", &part, true, err);
		else if (s->kind == SEGMENT_KERNEL)
			ret = compare_digest(k, "kernel",
					     r->kernel.size ? &r->kernel : &r->guard,
					     true, err);
		else
			ret = check_segment(k, plan, s, err);
		if (ret != -EBADMSG && ret != -ENODATA)
			continue;
		damaged(to, segment_name(s->kind), s->addr, s->content.size);
		ret = 0;
	}
	return ret;
}

int image_verify(const struct kcore *k, const struct recipe *r,
		 void (*damaged)(void *to, const char *part, uint64_t addr,
				 uint64_t size),
		 void *to, struct error *err)
{
	struct purgatory_params p;
	bool right, hidden;
	uint64_t addr;
	int ret;

	if (r->method != RECIPE_KEXEC_LOAD)
		return error_set(
			err, ENODATA,
			"loaded with kexec_file_load: the digests are the kernel's own");
	if (!plan_purgatory(&r->plan))
		return verify_outdated(k, r, damaged, to, err);
	if (!plan_purgatory(&r->plan)->nr_checks)
		return error_set(err, ENODATA, "loaded with --no-checks: no digests");
	/* only the parameters in memory have the digest of the current seed */
	addr = plan_find(&r->plan, SEGMENT_PURGATORY)->addr;
	hidden = image_is_hidden(k, &r->plan);
	ret = kcore_read(k, addr, &p, sizeof(p), err);
	right = !ret && self_is_right(&p) && p.nr_checks <= PURGATORY_MAX_CHECKS;
	if (!ret && !right) {
		if (!hidden)
			damaged(to, "parameters", addr, sizeof(p));
		/* fall back to the recipe, which has all digests but the seed's */
		p = *plan_purgatory(&r->plan);
	}
	for (uint32_t i = 0; !ret && i < p.nr_checks; i++) {
		const struct purgatory_check *c = &p.checks[i];
		uint8_t got[SHA256_SIZE];

		if ((hidden && is_refreshed(c)) ||
		    (!right && c->kind == segment_code(SEGMENT_SEED)))
			continue;
		ret = digest_part(k, c, got, err);
		if (!ret && memcmp(got, c->digest, sizeof(got)))
			damaged(to, part_name(c), c->addr, c->size);
	}
	explicit_bzero(&p, sizeof(p));
	return ret;
}
