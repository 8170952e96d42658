// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the seed one that nobody has seen, the loader included. What goes in is what this
 * processor and this machine say now: a copy of the machine gets another seed.
 */
#include "purgatory.h"

#include "pgtable.h"
#include "traceless.h"

#include <asm/bootparam.h>

/*
 * How often to ask for one word. Intel's guide to its generator calls an RDRAND broken
 * that fails ten times in a row. RDSEED may be exhausted for a while, for which the guide
 * has no number; 100 times with a PAUSE are some 10 us, which a reboot does not notice.
 */
#define RDRAND_TRIES 10
#define RDSEED_TRIES 100

static bool rdseed(uint64_t *word)
{
	bool good;

	__asm__ volatile("rdseed %0" : "=r"(*word), "=@ccc"(good));
	return good;
}

static bool rdrand(uint64_t *word)
{
	bool good;

	__asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(good));
	return good;
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (uint64_t)high << 32;
}

void mix_take_words(bool (*draw)(uint64_t *word), unsigned int tries, uint8_t source,
		    struct seed_inputs *in)
{
	uint32_t first = in->nr_words;

	for (uint32_t n = first; n < SEED_HW_WORDS; n++) {
		unsigned int left = tries;

		while (left && !draw(&in->words[n])) {
			left--;
			__builtin_ia32_pause();
		}
		if (!left) /* it will not get better */
			break;
		if (n > first && in->words[n] == in->words[n - 1]) { /* it is stuck */
			in->nr_words = first;
			break;
		}
		in->nr_words = n + 1;
	}
	if (in->nr_words > first)
		in->present |= source;
}

/* Do the purgatory's own tables map it? They cover the low 4 GiB and the maps. */
static bool is_mapped(const struct purgatory_params *params, uint64_t addr, uint64_t size)
{
	uint64_t end;

	if (__builtin_add_overflow(addr, size, &end))
		return false;
	if (end <= PGT_LOW_END)
		return true;
	for (uint32_t i = 0; i < params->nr_maps; i++)
		if (params->maps[i].start <= addr && end <= params->maps[i].end)
			return true;
	return false;
}

static void take_generation_id(const struct purgatory_params *params,
			       struct seed_inputs *in)
{
	uint64_t addr = params->generation_id;

	if (!addr || !is_mapped(params, addr, GENERATION_ID_SIZE))
		return;
	copy_bytes(in->generation_id, (const void *)(uintptr_t)addr, GENERATION_ID_SIZE);
	in->present |= SEED_INPUT_GENERATION_ID;
}

/*
 * By number of bit in SEED_INPUT_. Fixed places instead of pointers: a pointer would have
 * to be filled in at run time.
 */
static const char input_name[][16] = { "RDSEED", "RDRAND", "TSC", "generation ID" };

static char *append(char *end, const char *text)
{
	while (*text)
		*end++ = *text++;
	*end = '\0';
	return end;
}

/* "seed mixed with RDSEED, TSC, generation ID" */
static void say_inputs(uint8_t present)
{
	char list[sizeof(input_name)], *end = append(list, "");

	for (unsigned int i = 0; i < sizeof(input_name) / sizeof(input_name[0]); i++) {
		if (!(present & 1u << i))
			continue;
		if (end != list)
			end = append(end, ", ");
		end = append(end, input_name[i]);
	}
	say("seed mixed with %s", present ? list : "nothing: no source may be asked");
}

static __attribute__((noinline)) uint8_t mix(const struct purgatory_params *params,
					     bool own_tables, uint8_t *seed)
{
	struct seed_inputs in = { 0 };
	uint8_t present;

	copy_bytes(in.base, seed, SEED_BASE_SIZE);
	if (params->mix_inputs & SEED_INPUT_RDSEED)
		mix_take_words(rdseed, RDSEED_TRIES, SEED_INPUT_RDSEED, &in);
	if (params->mix_inputs & SEED_INPUT_RDRAND)
		mix_take_words(rdrand, RDRAND_TRIES, SEED_INPUT_RDRAND, &in);
	if (params->mix_inputs & SEED_INPUT_TSC) {
		in.tsc = rdtsc();
		in.present |= SEED_INPUT_TSC;
	}
	if (own_tables)
		take_generation_id(params, &in);
	seed_mix(&in, seed);
	present = in.present;
	wipe(&in, sizeof(in));
	return present;
}

void mix_seed(const struct purgatory_params *params, bool own_tables)
{
	struct setup_data *node = (struct setup_data *)(uintptr_t)params->mix_node;
	uint8_t present;

	if (!node)
		return;
	if (node->type != SETUP_RNG_SEED || node->len != SEED_BASE_SIZE) {
		say("there is no seed at 0x%lx to mix", params->mix_node);
		return;
	}
	present = mix(params, own_tables, node->data);
	wipe_dead_stack();
	if (console_is_verbose())
		say_inputs(present);
}
