/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loaded.h - what lies in the crash region, read back through /proc/kcore.
 *
 * The kernel tells that a crash image is loaded, not which one. These functions compare
 * memory with a recipe. The page with the seed is read by loaded_verify() only, into
 * locked memory that it wipes; loaded_find(), which looks for an image that it does not know,
 * wipes what came by.
 */
#ifndef KS_LOADED_H
#define KS_LOADED_H

#include "error.h"
#include "load/recipe.h"
#include "machine/kcore.h"

/* Digest (digest.h) of @size bytes of memory from @addr. 0 or a negative errno. */
int loaded_digest(const struct kcore *k, uint64_t addr, uint64_t size,
		  uint8_t out[SHA256_SIZE], struct error *err);

/*
 * Is the loaded image the recipe's, with its dynamic block whole? 0; -ENODATA: no,
 * another one is; -EBADMSG: it is, and damaged; another negative errno: that could not be
 * found out. The line says what is different, or why not.
 */
int loaded_prove(const struct kcore *k, const struct recipe *r, struct error *err);

/* Is our tag where it belongs? The quickest look; as loaded_prove(), for kexec_load. */
int loaded_check_tag(const struct kcore *k, const struct recipe *r, struct error *err);

/* Are the bytes above the dynamic block what they were? As loaded_prove(). */
int loaded_check_neighbour(const struct kcore *k, const struct recipe *r,
			   struct error *err);

/*
 * Looks for what kexec_file_load() has just put into @region: boot_params with @cmdline,
 * and fills in @r's boot_params, seed_node and neighbour. 0; -ENOENT: not found.
 */
int loaded_find(const struct kcore *k, struct range region, const char *cmdline,
		struct recipe *r, struct error *err);

/*
 * Compares all of the image with its digests, the seed's page included, and calls @damaged
 * for each part that is not what was loaded. 0, also when there is damage; -ENODATA when
 * the image has no digests; another negative errno when memory could not be read.
 */
int loaded_verify(const struct kcore *k, const struct recipe *r,
		  void (*damaged)(void *to, const char *part, uint64_t addr,
				  uint64_t size),
		  void *to, struct error *err);

#endif
