// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector registers on and off: the traps of FP and SIMD instructions at the own EL. Traps
 * to a higher one cannot be turned off here; they end the arch_try() around the digests.
 */
#include "arm64.h"

#include "sha256_parts.h"

#define CPACR_FPEN (3ULL << 20) /* EL1, and EL2 with VHE: 3 means no traps */
#define CPTR_TFP   (1ULL << 10) /* EL2 without VHE */

static void write_control(uint64_t value)
{
	if (at_plain_el2())
		WRITE_SYSREG(cptr_el2, value);
	else
		WRITE_SYSREG(cpacr_el1, value);
	isb();
}

struct arch_vectors arch_vectors_on(void)
{
	struct arch_vectors before;

	if (at_plain_el2()) {
		before.control = READ_SYSREG(cptr_el2);
		write_control(before.control & ~CPTR_TFP);
	} else {
		before.control = READ_SYSREG(cpacr_el1);
		write_control(before.control | CPACR_FPEN);
	}
	return before;
}

void arch_vectors_off(struct arch_vectors before)
{
	write_control(before.control);
}

static void wipe_all(void *context)
{
	(void)context;
	sha256_cpu_wipe();
}

/* The trap of a higher EL may be what ended the try: the registers hold nothing then. */
void arch_vectors_wipe(void)
{
	arch_try(wipe_all, NULL);
}

#define ISAR0_SHA2_SHIFT 12

uint32_t arch_digest_impl(const struct purgatory_params *params)
{
	(void)params;
	return id_field(READ_SYSREG(id_aa64isar0_el1), ISAR0_SHA2_SHIFT)
		       ? DIGEST_CPU_SHA
		       : DIGEST_PORTABLE;
}
