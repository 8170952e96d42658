// SPDX-License-Identifier: GPL-2.0-only
#include "seed_mix.h"

#include "sha256.h"

static const uint8_t label[SEED_LABEL_SIZE] = SEED_LABEL;

static void absorb_u64(struct sha256 *s, uint64_t value)
{
	sha256_update(s, &value, sizeof(value)); /* the CPU is little endian too */
}

void seed_mix(const struct seed_inputs *in, uint8_t out[SEED_SIZE])
{
	uint32_t words = in->nr_words < SEED_HW_WORDS ? in->nr_words : SEED_HW_WORDS;
	uint8_t present = in->present & SEED_INPUT_ALL;
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, label, sizeof(label));
	sha256_update(&s, &present, sizeof(present));
	sha256_update(&s, in->base, sizeof(in->base));
	if (present & SEED_INPUT_WORDS)
		for (uint32_t i = 0; i < words; i++)
			absorb_u64(&s, in->words[i]);
	if (present & SEED_INPUT_COUNTER)
		absorb_u64(&s, in->counter);
	if (present & SEED_INPUT_GENERATION_ID)
		sha256_update(&s, in->generation_id, sizeof(in->generation_id));
	if (present & SEED_INPUT_KERNEL_MEMORY)
		sha256_update(&s, in->kernel_memory, sizeof(in->kernel_memory));
	sha256_final(&s, out);
}
