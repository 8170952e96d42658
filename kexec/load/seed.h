/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seed.h - the life of a base seed in this process.
 *
 * getrandom(2) draws it into a locked page; the page is attached to the plan, hashed,
 * copied by the kernel in kexec_load(2), and wiped. No other copy exists, and none
 * outlives load_with_seed().
 */
#ifndef KS_SEED_H
#define KS_SEED_H

#include "error.h"
#include "load/kexec_load.h"
#include "plan/plan.h"

/*
 * Locked memory: never swapped, not in core dumps, not inherited by fork(), and with
 * memfd_secret(2) absent even from the kernel's direct map.
 */
struct secret {
	uint8_t *data; /* page aligned, zeroed; NULL: none */
	size_t size;   /* whole pages */
};

/*
 * Maps @size bytes, to be released with secret_wipe(). 0 or a negative errno with the
 * line, which names the limit if it is RLIMIT_MEMLOCK.
 */
int secret_map(size_t size, struct secret *out, struct error *err);

/* Wipes and unmaps the memory; an empty one is allowed. */
void secret_wipe(struct secret *s);

/* Wipes the stack area that earlier calls may have used. */
void secret_wipe_stack(void);

/*
 * Forces the kernel's RNG to reseed from its input pool, which it otherwise does once a
 * minute: in a clone whose kernel has not noticed the fork, the RNG would continue from
 * the snapshot. Needs CAP_SYS_ADMIN; otherwise does nothing.
 */
void rng_force_reseed(void);

/*
 * Waits at most @seconds until the kernel's RNG is initialised; waiting makes kernels
 * that can do so gather entropy. 0, -EAGAIN on timeout, or another negative errno, with
 * the line.
 */
int seed_wait(unsigned int seconds, struct error *err);

/*
 * Draws @size bytes with getrandom(2) into @out. 0; -EAGAIN if the RNG is not
 * initialised; or another negative errno, with the line.
 */
int seed_draw(uint8_t *out, size_t size, struct error *err);

/*
 * Fills @out with unique bytes that are not secret, even before the RNG is initialised. 0
 * or a negative errno with the line.
 */
int id_draw(uint8_t *out, size_t size, struct error *err);

/*
 * Draws the base seed into @page after the plan's seed prefix, and attaches @page to the
 * seed segment. @page must stay mapped until the load is done. 0 or a negative errno with
 * the line.
 */
int seed_attach(struct plan *plan, const struct secret *page, struct error *err);

/*
 * Waits for other loads to end, draws the base seed into @page if the plan has one,
 * finishes the digests and calls kexec_load(2). Wipes the seed in any case and leaves
 * @page empty. All other digests must be in place. Signals cannot end the process in
 * between. @guard and *@may_fall_back as in kexec_load_plan(). 0 or a negative errno with
 * the line; -EBUSY as kexec_wait(), with no seed drawn.
 */
int load_with_seed(struct plan *plan, struct secret *page, enum kexec_target target,
		   const struct load_guard *guard, bool *may_fall_back,
		   struct error *err);

#endif
