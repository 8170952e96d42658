/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan_scene.h - a machine, a kernel and what is asked of them: small, so that a test
 * changes one thing.
 */
#ifndef KS_PLAN_SCENE_H
#define KS_PLAN_SCENE_H

#include "check.h"
#include "fake_kernel.h"

#include "base/units.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#define RAM	 1u
#define RESERVED 2u

struct scene {
	struct boot_e820_entry map[512];
	struct facts facts;
	struct fake_kernel kernel;
	struct image image;
	uint8_t initrd[10000];
	struct plan_options opts;
	struct plan plan;
	struct error err;
};

static inline void add_ram(struct scene *s, uint64_t start, uint64_t end)
{
	s->map[s->facts.e820.count++] =
		(struct boot_e820_entry){ start, end - start, RAM };
	assert_int_equal(ranges_add(&s->facts.ram, (struct range){ start, end }), 0);
}

static inline int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct bytes file;
	struct error err;

	assert_non_null(s);
	s->facts.e820.entries = s->map;
	add_ram(s, 0, 0x9f000);
	add_ram(s, 0x100000, 0x3ffe0000);
	add_ram(s, 4 * GIB, 9 * GIB);
	s->facts.has_boot_params = true;
	s->facts.rsdp = 0xf5ae0;
	fake_kernel(&s->kernel);
	file = (struct bytes){ s->kernel.file, FAKE_SIZE };
	assert_int_equal(image_parse(file, file, &s->image, &err), 0);
	s->opts = (struct plan_options){ .command_line = "console=ttyS0 ro",
					 .initrd = { s->initrd, sizeof(s->initrd) },
					 .seed = true,
					 .verify = true };
	*state = s;
	return 0;
}

static inline int scene_teardown(void **state)
{
	struct scene *s = *state;

	plan_free(&s->plan);
	ranges_free(&s->facts.ram);
	free(s);
	return 0;
}

static inline int make(struct scene *s)
{
	return plan_make(&s->facts, &s->image, &s->opts, &s->plan, &s->err);
}

static inline const struct purgatory_params *params(const struct scene *s)
{
	return (const void *)s->plan.purgatory_block;
}

static inline uint64_t address(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

#define PLAN_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

#endif
