// SPDX-License-Identifier: GPL-2.0-only
#include "machine/ram.h"

#include "machine/e820.h"

#define PAGE_MASK 4095ULL

static int add_firmware_ram(const struct e820_map *e820, struct ranges *out)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < e820->count; i++) {
			const struct boot_e820_entry *e = &e820->entries[i];
			struct range r = { e->addr, e->addr + e->size };
			int ret = 0;

			if (pass == 0 && e->type == E820_RAM)
				ret = ranges_add(out, r);
			else if (pass == 1 && e->type != E820_RAM)
				ret = ranges_remove(out, r);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* Takes the gaps between @keep's members out of @set. */
static int intersect(struct ranges *set, const struct ranges *keep)
{
	uint64_t end = 0;

	for (size_t i = 0; i < keep->count; i++) {
		int ret = ranges_remove(set, (struct range){ end, keep->items[i].start });

		if (ret)
			return ret;
		end = keep->items[i].end;
	}
	return ranges_remove(set, (struct range){ end, UINT64_MAX });
}

static void keep_whole_pages(struct ranges *set)
{
	size_t used = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct range r = set->items[i];

		if (__builtin_add_overflow(r.start, PAGE_MASK, &r.start))
			continue;
		r.start &= ~PAGE_MASK;
		r.end &= ~PAGE_MASK;
		if (r.start < r.end)
			set->items[used++] = r;
	}
	set->count = used;
}

static int find(const struct e820_map *e820, const struct iomem *m, struct ranges *out)
{
	int ret = add_firmware_ram(e820, out);

	if (!ret && !m->hidden)
		ret = intersect(out, &m->ram);
	for (size_t i = 0; !ret && i < m->crash_count; i++)
		ret = ranges_remove(out, m->crash[i]);
	return ret;
}

int ram_find(const struct e820_map *e820, const struct iomem *m, struct ranges *out)
{
	int ret = find(e820, m, out);

	if (ret)
		ranges_free(out);
	keep_whole_pages(out);
	return ret;
}
