/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan_scene.h - a small machine, kernel and request, so that a test changes one thing.
 */
#ifndef KS_PLAN_SCENE_H
#define KS_PLAN_SCENE_H

#include "check.h"
#include "fake_kernel.h"

#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"
#include "base/units.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#define PAGE X86_PAGE

struct scene {
	struct memory_entry map[512];
	struct arch_machine arch;
	struct machine machine;
	struct fake_kernel kernel;
	struct image image;
	uint8_t initrd[10000];
	struct load_request request;
	struct plan_input in;
	struct plan plan;
	struct error err;
};

static inline void add_ram(struct scene *s, uint64_t start, uint64_t end)
{
	s->map[s->machine.firmware.count++] =
		(struct memory_entry){ start, end - start, MEMORY_RAM };
	assert_int_equal(ranges_add(&s->machine.ram, (struct range){ start, end }), 0);
}

static inline int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct bytes file;
	struct error err;

	assert_non_null(s);
	s->machine.page_size = PAGE;
	s->machine.arch = &s->arch;
	s->machine.firmware.entries = s->map;
	add_ram(s, 0, 0x9f000);
	add_ram(s, 0x100000, 0x3ffe0000);
	add_ram(s, 4 * GIB, 9 * GIB);
	s->arch.has_boot_params = true;
	s->arch.rsdp = 0xf5ae0;
	fake_kernel(&s->kernel);
	file = (struct bytes){ s->kernel.file, FAKE_SIZE };
	assert_int_equal(bzimage_parse(file, file, &s->image, &err), 0);
	s->request.mix_off = true;
	s->in = (struct plan_input){ .request = &s->request,
				     .machine = &s->machine,
				     .image = &s->image,
				     .initrd = { s->initrd, sizeof(s->initrd) },
				     .cmdline = "console=ttyS0 ro",
				     .seed = true };
	*state = s;
	return 0;
}

static inline int scene_teardown(void **state)
{
	struct scene *s = *state;

	plan_free(&s->plan);
	ranges_free(&s->machine.ram);
	free(s);
	return 0;
}

static inline int make(struct scene *s)
{
	return plan_make(&s->in, &s->plan, &s->err);
}

static inline const struct purgatory_params *params(const struct scene *s)
{
	return plan_purgatory(&s->plan);
}

static inline uint64_t address(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

#define PLAN_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

#endif
