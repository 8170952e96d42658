// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as /proc/iomem. What is accepted has to make sense.
 */
#include "machine/e820.h"
#include "machine/iomem.h"
#include "machine/ram.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct iomem *m)
{
	struct ranges ram = { 0 };

	for (size_t i = 0; i < m->map.count; i++) {
		const struct boot_e820_entry *e = &m->map.entries[i];

		require(e->size && e->addr + e->size > e->addr);
	}
	require(m->crash_count <= IOMEM_MAX_CRASH);
	if (m->hidden)
		require(!m->map.count && !m->ram.count && !m->crash_count);
	if (ram_find(&m->map, m, &ram) == 0) {
		for (size_t i = 0; i < ram.count; i++) {
			require(!(ram.items[i].start % 4096) &&
				!(ram.items[i].end % 4096));
			require(ranges_contain(&m->ram, ram.items[i]));
		}
	}
	ranges_free(&ram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	struct iomem m;

	if (iomem_parse((struct bytes){ data, size }, &m, &err))
		return 0;
	check(&m);
	e820_sort(&m.map);
	e820_merge(&m.map);
	e820_resolve_unknown(&m.map, NULL);
	iomem_free(&m);
	return 0;
}
