// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mixes the base seed with fresh inputs from this CPU and machine, so that a copy of the
 * machine gets a different seed and not even the loader knows it.
 */
#include "purgatory.h"

#include "arch_registers.h"
#include "traceless.h"

void mix_take_words(bool (*draw)(uint64_t *word), unsigned int tries, uint8_t source,
		    struct seed_inputs *in)
{
	uint32_t first = in->nr_words;

	for (uint32_t n = first; n < SEED_HW_WORDS; n++) {
		unsigned int left = tries;

		while (left && !draw(&in->words[n])) {
			left--;
			arch_pause();
		}
		if (!left) /* further words would fail too */
			break;
		if (n > first && in->words[n] == in->words[n - 1]) { /* stuck source */
			in->nr_words = first;
			break;
		}
		in->nr_words = n + 1;
	}
	if (in->nr_words > first)
		in->present |= source;
}

struct generation_copy {
	uint64_t addr;
	struct seed_inputs *in;
};

static void copy_generation_id(void *context)
{
	const struct generation_copy *copy = context;

	copy_bytes(copy->in->generation_id, (const void *)(uintptr_t)copy->addr,
		   VMGENID_SIZE);
	copy->in->present |= SEED_INPUT_GENERATION_ID;
}

/* Firmware may name an address at which there is nothing. */
static void take_generation_id(const struct purgatory_params *params,
			       struct seed_inputs *in)
{
	struct generation_copy copy = { params->generation_id, in };

	if (copy.addr && arch_is_mapped(params, copy.addr, VMGENID_SIZE))
		arch_try(copy_generation_id, &copy);
}

static uint64_t range_size(const struct purgatory_map *r)
{
	return r->start < r->end ? r->end - r->start : 0;
}

static bool has_kernel_memory(const struct purgatory_params *params)
{
	for (unsigned int i = 0; i < PURGATORY_MAX_MEMORY; i++)
		if (range_size(&params->kernel_memory[i]))
			return true;
	return false;
}

struct memory_digest {
	const struct purgatory_map *ranges;
	enum digest_impl impl;
	uint8_t *out;
};

static void digest_memory(void *context)
{
	const struct memory_digest *d = context;
	uint8_t parts[PURGATORY_MAX_MEMORY][SHA256_SIZE];

	for (unsigned int i = 0; i < PURGATORY_MAX_MEMORY; i++)
		digest_range(d->impl, (const void *)(uintptr_t)d->ranges[i].start,
			     range_size(&d->ranges[i]), parts[i]);
	sha256(parts, sizeof(parts), d->out);
	wipe(parts, sizeof(parts));
}

/*
 * Bad memory may be why the old kernel crashed, and the CPU may lack SHA instructions:
 * a fault means portable code, then no input.
 */
static void take_kernel_memory(const struct purgatory_params *params,
			       struct seed_inputs *in)
{
	struct memory_digest d = { params->kernel_memory, DIGEST_CPU_SHA,
				   in->kernel_memory };
	int exception = 0;

	if (!has_kernel_memory(params))
		return;
	if (arch_digest_impl(params) == DIGEST_CPU_SHA)
		exception = try_cpu_sha(digest_memory, &d);
	d.impl = DIGEST_PORTABLE;
	if (exception >= 0)
		exception = arch_try(digest_memory, &d);
	if (exception < 0)
		in->present |= SEED_INPUT_KERNEL_MEMORY;
}

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
	char list[sizeof(seed_input_names)], *end = append(list, "");

	for (unsigned int i = 0; i < SEED_INPUTS; i++) {
		if (!(present & 1u << i))
			continue;
		if (end != list)
			end = append(end, ", ");
		end = append(end, seed_input_names[i]);
	}
	if (present)
		say("seed mixed with %s", list);
	else
		say("seed not mixed: no entropy source enabled");
}

static __attribute__((noinline)) uint8_t mix(const struct purgatory_params *params,
					     bool own_map, uint8_t *seed)
{
	struct seed_inputs in = { 0 };
	uint8_t present;

	copy_bytes(in.base, seed, SEED_SIZE);
	arch_take_entropy(params, &in);
	if (own_map) {
		take_generation_id(params, &in);
		take_kernel_memory(params, &in);
	}
	seed_mix(&in, seed);
	present = in.present;
	wipe(&in, sizeof(in));
	return present;
}

void mix_seed(const struct purgatory_params *params, bool own_map)
{
	uint8_t present, *seed;

	if (!params->mix_target)
		return;
	seed = arch_seed_bytes(params->mix_target);
	if (!seed) {
		say("there is no seed at 0x%lx to mix", params->mix_target);
		return;
	}
	present = mix(params, own_map, seed);
	wipe_dead_stack();
	if (console_is_verbose())
		say_inputs(present);
}
