/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * readback.h - reads the loaded crash image back through /proc/kcore.
 *
 * The kernel reports that a crash image is loaded, but not which one: these functions
 * compare memory with a recipe. Only image_verify() reads the page with the seed, into
 * locked memory that it wipes.
 */
#ifndef KS_READBACK_H
#define KS_READBACK_H

#include "error.h"
#include "load/recipe.h"
#include "machine/kcore.h"

/*
 * Digest (digest.h) of @size bytes of physical memory from @addr. 0 or a negative errno
 * with the line.
 */
int readback_digest(const struct kcore *k, uint64_t addr, uint64_t size,
		    uint8_t out[SHA256_SIZE], struct error *err);

/*
 * Checks that the loaded image is the recipe's, with its refreshed segments intact. 0;
 * -ENODATA: another image is loaded; -EBADMSG: ours, but damaged; another negative errno:
 * unknown, such as -EAGAIN: all of it is hidden. The line gives the difference, or why it
 * is unknown.
 */
int image_matches(const struct kcore *k, const struct recipe *r, struct error *err);

/*
 * Checks our image ID only, the quickest test. kexec_load() images only (else -EINVAL);
 * otherwise errors as image_matches().
 */
int image_check_id(const struct kcore *k, const struct recipe *r, struct error *err);

/*
 * True if the image is ours and the kernel hides its refreshed segments from /proc/kcore,
 * where they read as zeroes: arch_may_hide_load.
 */
bool image_is_hidden(const struct kcore *k, const struct plan *plan);

/* True if it hides the plan's kernel, too: the whole of it was loaded last. */
bool image_is_all_hidden(const struct kcore *k, const struct plan *plan);

/*
 * True if such a load was of this layout: all pages with the image ID are hidden, and the
 * kernel's own pages are in the plan's control-page reserve.
 */
bool image_is_laid_out(const struct kcore *k, const struct plan *plan);

/*
 * Checks that the guard bytes above the refreshed segments are unchanged. Errors as
 * image_matches().
 */
int image_check_guard(const struct kcore *k, const struct recipe *r, struct error *err);

/*
 * Searches the recipe's region for the image that kexec_file_load() has just put there,
 * by its @cmdline, and sets @r's boot_data, seed_node and guard. 0; -ENOENT: not found;
 * or another negative errno, with the line.
 */
int recipe_find_file_load(struct recipe *r, const struct kcore *k, const char *cmdline,
			  struct error *err);

/*
 * Verifies the whole image against its digests, including the seed's page, and calls
 * @damaged for each part that differs. Hidden segments are not compared. 0 even if there
 * is damage; -ENODATA if the image has no digests; another negative errno if memory cannot
 * be read. If the recipe lacks the content of an older purgatory, that and the seed are not
 * compared.
 */
int image_verify(const struct kcore *k, const struct recipe *r,
		 void (*damaged)(void *to, const char *part, uint64_t addr,
				 uint64_t size),
		 void *to, struct error *err);

#endif
