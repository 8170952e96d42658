/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine_scene.h - a small machine as files, for tests to damage before machine_read().
 */
#ifndef KS_MACHINE_SCENE_H
#define KS_MACHINE_SCENE_H

#include "check.h"
#include "tree.h"

#include "arch/x86/x86.h"
#include "machine/machine.h"
#include "machine/memory_map.h"

#include <stdlib.h>
#include <string.h>

#define MEMMAP "sys/firmware/memmap"

/* A machine with 1 MiB of RAM at 1 MiB. */
static inline int make_machine(void **state)
{
	struct tree *t = malloc(sizeof(*t));

	assert_non_null(t);
	tree_make(t);
	tree_put_memmap(t, 0, 0x100000, 0x1fffff, "System RAM");
	tree_put(t, "proc/iomem", "00100000-001fffff : System RAM\n");
	*state = t;
	return 0;
}

static inline int remove_machine(void **state)
{
	tree_remove(*state, "");
	free(*state);
	return 0;
}

static inline struct machine read_machine(const struct tree *t)
{
	struct error err = { "" };
	struct machine m;

	assert_int_equal(machine_read(t->root, &m, &err), 0);
	assert_int_equal(machine_read_cmdline(t->root, &m, &err), 0);
	assert_string_equal(err.text, "");
	return m;
}

/* Reading fails with @code and a message that contains @words. */
static inline void assert_refused(const struct tree *t, int code, const char *words)
{
	struct error err = { "" };
	struct machine m;

	assert_int_equal(machine_read(t->root, &m, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	assert_null(m.firmware.entries);
	assert_null(m.iomem.entries);
	assert_null(m.ram.items);
	assert_null(m.arch);
	assert_null(m.crash_cma.items);
	assert_null(m.cmdline);
}

#define MACHINE_TEST(name)                                                               \
	cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)

#endif
