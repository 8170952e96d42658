// SPDX-License-Identifier: GPL-2.0-only
/* What the plan tells the purgatory: where it is, what to map, to check and to mix. */
#include "check.h"
#include "plan_scene.h"

#include "digest.h"
#include "purgatory/arch/x86/pgtable.h"
#include "purgatory/blob.h"
#include "seed_mix.h"

#include <errno.h>

/* [blob | zeroes up to mem_size | page tables], nothing in the blob but its parameters. */
static void test_layout(void **state)
{
	struct scene *s = *state;
	const size_t head = sizeof(struct purgatory_params);
	struct bytes blob = purgatory_blob();
	const struct segment *self;

	assert_int_equal(make(s), 0);
	self = plan_find(&s->plan, PURGATORY_KIND_PURGATORY);
	assert_int_equal(self->content.size, blob.size);
	assert_memory_equal(self->content.data + head, blob.data + head,
			    blob.size - head);
	assert_int_equal(params(s)->magic, PURGATORY_MAGIC);
	assert_int_equal(params(s)->pgt_pool, self->addr + page_up(params(s)->mem_size));
	assert_int_equal(params(s)->pgt_pool + params(s)->pgt_pages * PAGE,
			 self->addr + self->mem_size);
	assert_true(params(s)->entry_offset >= head);
	assert_int_equal(s->plan.entry, self->addr + params(s)->entry_offset);
}

static void test_what_it_is_told(void **state)
{
	struct scene *s = *state;

	s->opts.on_corruption = PURGATORY_HALT;
	s->opts.console = (struct plan_console){ PURGATORY_CONSOLE_VGA, 0x2f8, 9600 };
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->on_corruption, PURGATORY_HALT);
	assert_int_equal(params(s)->console, PURGATORY_CONSOLE_VGA);
	assert_int_equal(params(s)->serial_port, 0x2f8);
	assert_int_equal(params(s)->serial_baud, 9600);
	assert_int_equal(params(s)->entry_mode, PURGATORY_ENTRY_64);
	plan_free(&s->plan);
	assert_int_equal(image_enter_32bit(&s->image, &s->err), 0);
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->entry_mode, PURGATORY_ENTRY_32);
}

/* All of what is loaded; its own parameters have a digest of their own. */
static void test_checks(void **state)
{
	struct scene *s = *state;

	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->nr_checks, s->plan.nr_segments);
	for (uint32_t i = 0; i < params(s)->nr_checks; i++) {
		const struct purgatory_check *c = &params(s)->checks[i];
		const struct segment *part = &s->plan.segments[i];
		bool self = part->kind == PURGATORY_KIND_PURGATORY;
		uint64_t skip = self ? sizeof(struct purgatory_params) : 0;
		uint64_t end =
			part->kind == PURGATORY_KIND_SEED ? PAGE : part->content.size;

		assert_int_equal(c->kind, part->kind);
		assert_int_equal(c->addr, part->addr + skip);
		assert_int_equal(c->size, end - skip);
	}
	plan_free(&s->plan);
	s->opts.verify = false;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->nr_checks, 0);
}

/* What lies above 4 GiB, and of a normal image nothing else: not the crash region. */
static void test_maps(void **state)
{
	struct scene *s = *state;
	uint32_t nr = 0;

	s->facts.crash = (struct range){ 16 * GIB, 17 * GIB };
	assert_int_equal(make(s), 0);
	for (size_t i = 0; i < s->plan.nr_segments; i++) {
		const struct segment *part = &s->plan.segments[i];

		if (part->kind == PURGATORY_KIND_PURGATORY)
			continue;
		assert_int_equal(params(s)->maps[nr].start, part->addr);
		assert_int_equal(params(s)->maps[nr++].end, part->addr + part->mem_size);
	}
	assert_int_equal(params(s)->nr_maps, nr);
}

/* What the purgatory may use and shall mix in. */
static void test_mix(void **state)
{
	struct scene *s = *state;

	s->facts.cpu.rdseed = s->facts.cpu.tsc = s->facts.cpu.sha_ni = true;
	s->opts.mix = true;
	s->opts.generation_id = 0x7fe0018;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_target,
			 plan_find(&s->plan, PURGATORY_KIND_SEED)->addr);
	assert_int_equal(params(s)->generation_id, 0x7fe0018);
	assert_int_equal(params(s)->mix_inputs, SEED_INPUT_RDSEED | SEED_INPUT_TSC);
	assert_int_equal(params(s)->digest_impl, DIGEST_CPU_SHA);
	plan_free(&s->plan);

	s->facts.cpu = (struct cpu_facts){ .rdrand = true };
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_inputs, SEED_INPUT_RDRAND);
	assert_int_equal(params(s)->digest_impl, DIGEST_PORTABLE);
	plan_free(&s->plan);

	s->facts.cpu = (struct cpu_facts){ 0 };
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_inputs, 0);
	plan_free(&s->plan);

	s->opts.mix = false;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_target, 0);
	plan_free(&s->plan);

	s->opts.mix = true;
	s->opts.seed = false;
	assert_int_equal(make(s), 0);
	assert_int_equal(params(s)->mix_target, 0);
}

/* A generation ID above 4 GiB must be in the purgatory's map. */
static void test_high_generation_id(void **state)
{
	struct scene *s = *state;
	const struct purgatory_map *last;

	s->opts.mix = true;
	s->opts.generation_id = 700 * GIB + 0x18;
	assert_int_equal(make(s), 0);
	last = &params(s)->maps[params(s)->nr_maps - 1];
	assert_int_equal(last->start, 700 * GIB + 0x18);
	assert_int_equal(last->end, 700 * GIB + 0x28);
	assert_int_equal(params(s)->pgt_pages,
			 purgatory_pgt_pages(params(s)->maps, params(s)->nr_maps));
	plan_free(&s->plan);
	s->opts.generation_id = PGT_LIMIT;
	assert_int_equal(make(s), -ENOSPC);
	assert_non_null(strstr(s->err.text, "above 128 TiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(test_layout), PLAN_TEST(test_what_it_is_told),
		PLAN_TEST(test_checks), PLAN_TEST(test_maps),
		PLAN_TEST(test_mix),	PLAN_TEST(test_high_generation_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
