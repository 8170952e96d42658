/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seed.h - drawing a seed from the kernel's random number generator.
 */
#ifndef KS_SEED_H
#define KS_SEED_H

#include "error.h"
#include "load/secret.h"
#include "plan/plan.h"

/*
 * Has the kernel's generator take in what it has gathered since it last did, which it does
 * once a minute by itself: in a clone whose kernel has not noticed the fork it would go on
 * where the snapshot was. Needs CAP_SYS_ADMIN; without it nothing happens.
 */
void seed_stir(void);

/*
 * Waits at most @seconds until the kernel's generator is initialised; waiting makes a
 * kernel that can gather entropy do so. 0, -EAGAIN when it is not ready in time, or
 * another negative errno. kexec_file_load() leaves the seed out, silently, before that.
 */
int seed_wait(unsigned int seconds, struct error *err);

/*
 * Draws @size fresh bytes with getrandom(2) straight into @out. The generator must be
 * initialised: -EAGAIN otherwise.
 */
int seed_draw(uint8_t *out, size_t size, struct error *err);

/*
 * Fills @out with bytes that nobody else has, but that are no secret: also when the
 * generator is not ready yet. 0 or a negative errno.
 */
int id_draw(uint8_t *out, size_t size, struct error *err);

/*
 * Makes @page the content of the plan's seed segment: the node's header, then SEED_SIZE
 * bytes that exist nowhere else. @page must stay until the load is done.
 */
int seed_lend(struct plan *plan, const struct secret *page, struct error *err);

#endif
