/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot_data.h - what an architecture whose boot data is a device tree provides for
 * boot_data.c, which implements arch.h's boot data and its printing.
 */
#ifndef KS_DT_BOOT_DATA_H
#define KS_DT_BOOT_DATA_H

#include "arch/dt/machine.h"
#include "plan/builder.h"

/* What the tree says of the machine; owned by @m. */
struct dt_machine *dt_of_machine(const struct machine *m);

/* True if kernels take kaslr-seed from the tree, and then remove it. */
extern const bool dt_passes_kaslr_seed;

/*
 * Offsets in the boot data of the values that the purgatory writes: SEED_SIZE bytes of
 * rng-seed, DT_KASLR_SEED_SIZE of kaslr-seed; that is 0 unless dt_passes_kaslr_seed. False:
 * the tree does not have what it should.
 */
bool dt_seed_offsets(const struct plan *plan, uint64_t *rng, uint64_t *kaslr);

/*
 * Sets mix_target and, in the architecture's part of @p, base_seed, rng_seed and
 * kaslr_seed, once all segments are placed.
 */
void dt_fill_seed(const struct plan_builder *b, struct purgatory_params *p);

/*
 * Returns where the purgatory reports: on --serial, on a UART of the next kernel's command
 * line, or on firmware's console. Unless it finds damage, it is silent.
 */
struct dt_uart dt_choose_uart(const struct plan_builder *b);

/* Sets console and, in the architecture's part of @p, uart and uart_type. */
void dt_fill_console(const struct plan_builder *b, struct purgatory_params *p);

/*
 * Checks the rest of the architecture's parameters of the purgatory of a plan read from a
 * file, which may lack it. NULL, or the invalid part.
 */
const char *dt_check_purgatory(const struct plan *plan);

#endif
