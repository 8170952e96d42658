// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as /proc/iomem. Accepted maps must be possible ones.
 */
#include "arch/x86/x86.h"
#include "machine/iomem.h"
#include "machine/machine.h"

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
	struct error err = { "" };

	for (size_t i = 0; i < m->map.count; i++) {
		const struct memory_entry *e = &m->map.entries[i];

		require(e->size && e->addr + e->size > e->addr);
	}
	require(m->crash_count <= IOMEM_MAX_CRASH);
	if (m->hidden)
		require(!m->map.count && !m->ram.count && !m->crash_count);
	if (machine_find_ram(&m->map, m, X86_PAGE, &ram, &err) == 0) {
		for (size_t i = 0; i < ram.count; i++) {
			require(!(ram.items[i].start % 4096) &&
				!(ram.items[i].end % 4096));
			require(ranges_contain(&m->ram, ram.items[i]));
		}
	} else {
		require(err.text[0] && !ram.items);
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
	memory_map_sort(&m.map);
	memory_map_merge(&m.map);
	x86_resolve_unknown(&m.map, NULL);
	iomem_free(&m);
	return 0;
}
