// SPDX-License-Identifier: GPL-2.0-only
#include "machine/e820.h"

#include "machine/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t type;
} type_names[] = {
	{ "System RAM", E820_RAM },
	{ "Reserved", E820_RESERVED },
	{ "ACPI Tables", E820_ACPI },
	{ "ACPI Non-volatile Storage", E820_NVS },
	{ "Unusable memory", E820_UNUSABLE },
	{ "Persistent Memory", E820_PMEM },
	{ "Persistent Memory (legacy)", E820_PRAM },
	{ "Soft Reserved", E820_SOFT_RESERVED },
	{ "Unknown E820 type", E820_UNKNOWN },
};

#define NR_TYPE_NAMES (sizeof(type_names) / sizeof(type_names[0]))

bool e820_type_from_name(struct bytes name, uint32_t *type)
{
	for (size_t i = 0; i < NR_TYPE_NAMES; i++) {
		if (text_equals(name, type_names[i].name)) {
			*type = type_names[i].type;
			return true;
		}
	}
	return false;
}

int e820_add(struct e820_map *map, uint64_t start, uint64_t last, uint32_t type)
{
	struct boot_e820_entry *entries;
	size_t count = map->count;

	if (last < start || last == UINT64_MAX)
		return -EINVAL;
	if (count >= E820_MAP_MAX)
		return -E2BIG;
	if (!(count & (count - 1))) { /* full: the room is always a power of two */
		entries = reallocarray(map->entries, count ? count * 2 : 1,
				       sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		map->entries = entries;
	}
	map->entries[map->count++] = (struct boot_e820_entry){
		.addr = start,
		.size = last - start + 1,
		.type = type,
	};
	return 0;
}

const char *e820_strerror(int ret)
{
	switch (ret) {
	case -EINVAL:
		return "not a possible range";
	case -E2BIG:
		return "more entries than a machine can have";
	default:
		return strerror(-ret);
	}
}

static int compare(const void *a, const void *b)
{
	const struct boot_e820_entry *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

void e820_sort(struct e820_map *map)
{
	if (map->count)
		qsort(map->entries, map->count, sizeof(*map->entries), compare);
}

/* Their borders mean something: a NUMA node, a device (e820__update_table()). */
static bool has_meaningful_borders(uint32_t type)
{
	return type == E820_PRAM || type == E820_SOFT_RESERVED;
}

void e820_merge(struct e820_map *map)
{
	size_t used = 0;

	for (size_t i = 0; i < map->count; i++) {
		struct boot_e820_entry e = map->entries[i];
		struct boot_e820_entry *last = used ? &map->entries[used - 1] : NULL;

		if (last && last->type == e.type && last->addr + last->size == e.addr &&
		    !has_meaningful_borders(e.type))
			last->size += e.size;
		else
			map->entries[used++] = e;
	}
	map->count = used;
}

static uint32_t type_in_boot_params(const struct boot_e820_entry *e,
				    const struct boot_params *bp)
{
	for (size_t i = 0; i < bp->e820_entries && i < E820_MAX_ENTRIES_ZEROPAGE; i++) {
		const struct boot_e820_entry *b = &bp->e820_table[i];

		if (b->addr <= e->addr && e->addr - b->addr < b->size &&
		    e->size <= b->size - (e->addr - b->addr) && b->type != E820_RAM)
			return b->type;
	}
	return E820_UNKNOWN;
}

void e820_resolve_unknown(struct e820_map *map, const struct boot_params *bp)
{
	for (size_t i = 0; i < map->count; i++) {
		struct boot_e820_entry *e = &map->entries[i];

		if (e->type != E820_UNKNOWN)
			continue;
		if (bp)
			e->type = type_in_boot_params(e, bp);
		if (e->type == E820_UNKNOWN)
			e->type = E820_RESERVED;
	}
}

int e820_copy(struct e820_map *to, const struct e820_map *from)
{
	if (!from->count)
		return 0;
	to->entries = reallocarray(NULL, from->count, sizeof(*from->entries));
	if (!to->entries)
		return -ENOMEM;
	memcpy(to->entries, from->entries, from->count * sizeof(*from->entries));
	to->count = from->count;
	return 0;
}

void e820_free(struct e820_map *map)
{
	free(map->entries);
	*map = (struct e820_map){ 0 };
}
