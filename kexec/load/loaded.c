// SPDX-License-Identifier: GPL-2.0-only
#include "load/loaded.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "digest.h"
#include "load/file_digest.h"
#include "load/seal.h"
#include "load/secret.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static int read_kcore(const void *from, uint64_t addr, void *buf, size_t size,
		      struct error *err)
{
	return kcore_read(from, addr, buf, size, err);
}

/* One reader: the kernel copies through a buffer that belongs to the open file. */
int loaded_digest(const struct kcore *k, uint64_t addr, uint64_t size,
		  uint8_t out[SHA256_SIZE], struct error *err)
{
	struct digest_source source = { .read = read_kcore, .from = k, .alone = true };

	return source_digest(&source, addr, size, out, err);
}

/*
 * What a difference means. The tag, or boot_params where there is none, is what somebody
 * else's load changes; anything else is our own image, damaged.
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
			  const struct recipe_check *c, bool ours, struct error *err)
{
	uint8_t got[SHA256_SIZE];
	int ret = loaded_digest(k, c->addr, c->size, got, err);

	if (ret)
		return ret;
	return memcmp(got, c->digest, sizeof(got))
		       ? is_different(err, ours, what, c->addr)
		       : 0;
}

static bool self_is_right(const struct purgatory_params *p)
{
	uint8_t self[SHA256_SIZE];

	if (!p->nr_checks)
		return true;
	sha256(p, offsetof(struct purgatory_params, self_sha256), self);
	return !memcmp(self, p->self_sha256, sizeof(self));
}

/* Reads the purgatory back and compares it, apart from the digest of the seed. */
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
	right = self_is_right(memory);
	memcpy(want, s->content.data, s->content.size);
	seal_forget_seed(want);
	seal_forget_seed(memory);
	if (!right || memcmp(want, memory, s->content.size))
		return is_different(err, true, "purgatory", s->addr);
	return 0;
}

static int prove_purgatory(const struct kcore *k, const struct segment *s,
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

/* The kernel may have changed the headers: then they must only still be some. */
static int prove_elfcorehdr(const struct kcore *k, const struct plan *plan,
			    const struct segment *s, struct error *err)
{
	struct bytes want = s->content;

	if (plan->hotplug)
		want.size = SELFMAG;
	return compare(k, "elfcorehdr", s->addr, want, true, err);
}

static int prove_segment(const struct kcore *k, const struct plan *plan,
			 const struct segment *s, struct error *err)
{
	switch (s->kind) {
	case PURGATORY_KIND_IMAGE_ID:
	case PURGATORY_KIND_BOOT_DATA:
		return compare(k, segment_name(s->kind), s->addr, s->content,
			       s->kind != PURGATORY_KIND_IMAGE_ID, err);
	case PURGATORY_KIND_PURGATORY:
		return prove_purgatory(k, s, err);
	case PURGATORY_KIND_ELFCOREHDR:
		return prove_elfcorehdr(k, plan, s, err);
	case PURGATORY_KIND_SEED:
	case PURGATORY_KIND_KERNEL:
	case PURGATORY_KIND_INITRD:
		return 0;
	}
	return -EINVAL;
}

int loaded_check_tag(const struct kcore *k, const struct recipe *r, struct error *err)
{
	const struct segment *tag = plan_find(&r->plan, PURGATORY_KIND_IMAGE_ID);

	return tag ? prove_segment(k, &r->plan, tag, err) : -EINVAL;
}

int loaded_check_neighbour(const struct kcore *k, const struct recipe *r,
			   struct error *err)
{
	bool ours = r->method == RECIPE_KEXEC_LOAD;

	return compare_digest(k, ours ? "kernel" : "elfcorehdr", &r->neighbour, ours,
			      err);
}

static int prove_file_load(const struct kcore *k, const struct recipe *r,
			   struct error *err)
{
	if (!r->boot_params.size)
		return error_set(err, ENOTSUP, "where the image lies was not found");
	return compare_digest(k, "boot_params", &r->boot_params, false, err);
}

/* The plan has the tag first. */
int loaded_prove(const struct kcore *k, const struct recipe *r, struct error *err)
{
	int ret = 0;

	if (r->method == RECIPE_KEXEC_FILE_LOAD)
		ret = prove_file_load(k, r, err);
	for (size_t i = 0; !ret && i < r->plan.nr_segments; i++)
		ret = prove_segment(k, &r->plan, &r->plan.segments[i], err);
	return ret ? ret : loaded_check_neighbour(k, r, err);
}
