// SPDX-License-Identifier: GPL-2.0-only
#include "arm64.h"

#include "traceless.h"

/*
 * Attempts per word. RNDR fails only if nothing came "in a reasonable period of time"
 * (DDI 0487); firmware (DEN 0098) says NO_ENTROPY and may be asked again.
 */
#define RNDR_TRIES 100
#define TRNG_TRIES 10

#define ISAR0_RNDR_SHIFT 60

/* Arm DEN 0022 (PSCI), 0028 (SMCCC), 0098 (TRNG) */
#define PSCI_VERSION	  0x84000000
#define PSCI_FEATURES	  0x8400000a
#define PSCI_VERSION_1_0  0x10000
#define SMCCC_VERSION	  0x80000000
#define SMCCC_VERSION_1_1 0x10001
#define TRNG_VERSION	  0x84000050
#define TRNG_VERSION_1_0  0x10000
#define TRNG_RND64	  0xc4000053
#define TRNG_BITS	  64

/* Both set Z, and the word to 0, if no word came. */
static bool draw_rndrrs(uint64_t *word)
{
	bool good;

	__asm__ volatile("mrs %0, s3_3_c2_c4_1\n\t"
			 "cset %w1, ne"
			 : "=r"(*word), "=r"(good)
			 :
			 : "cc");
	return good;
}

static bool draw_rndr(uint64_t *word)
{
	bool good;

	__asm__ volatile("mrs %0, s3_3_c2_c4_0\n\t"
			 "cset %w1, ne"
			 : "=r"(*word), "=r"(good)
			 :
			 : "cc");
	return good;
}

/* The answer is a version or another number; negative as 32 bits: an error. */
static int32_t call_firmware(uint64_t function, uint64_t argument)
{
	uint64_t regs[4] = { function, argument, 0, 0 };

	smccc_call(purgatory_params.arch.conduit, regs);
	return (int32_t)regs[0];
}

static bool draw_trng(uint64_t *word)
{
	uint64_t regs[4] = { TRNG_RND64, TRNG_BITS, 0, 0 };
	bool good;

	smccc_call(purgatory_params.arch.conduit, regs);
	good = regs[0] == 0;
	if (good)
		*word = regs[3];
	wipe(regs, sizeof(regs));
	return good;
}

static void take_rndr(void *in)
{
	mix_take_words(draw_rndrrs, RNDR_TRIES, SEED_INPUT_RNDR, in);
	mix_take_words(draw_rndr, RNDR_TRIES, SEED_INPUT_RNDR, in);
}

/* Firmware before SMCCC 1.1 need not know how to refuse. */
static void take_trng(void *in)
{
	if (call_firmware(PSCI_VERSION, 0) < PSCI_VERSION_1_0 ||
	    call_firmware(PSCI_FEATURES, SMCCC_VERSION) < 0 ||
	    call_firmware(SMCCC_VERSION, 0) < SMCCC_VERSION_1_1 ||
	    call_firmware(TRNG_VERSION, 0) < TRNG_VERSION_1_0)
		return;
	mix_take_words(draw_trng, TRNG_TRIES, SEED_INPUT_TRNG, in);
}

static void take_physical_counter(void *in)
{
	((struct seed_inputs *)in)->counter = READ_SYSREG(cntpct_el0);
}

/* A hypervisor may keep the physical counter to itself. */
static void take_counter(void *in)
{
	if (arch_try(take_physical_counter, in) >= 0)
		((struct seed_inputs *)in)->counter = READ_SYSREG(cntvct_el0);
	((struct seed_inputs *)in)->present |= SEED_INPUT_CNT;
}

/*
 * The CPU that runs decides: params->mix_inputs is what the loader's CPU had. A virtual
 * machine may run on another one now, and instructions may be missing all the same.
 */
void arch_take_entropy(const struct purgatory_params *params, struct seed_inputs *in)
{
	if (id_field(READ_SYSREG(id_aa64isar0_el1), ISAR0_RNDR_SHIFT))
		arch_try(take_rndr, in);
	if (in->nr_words < SEED_HW_WORDS && params->arch.conduit)
		arch_try(take_trng, in);
	arch_try(take_counter, in);
}
