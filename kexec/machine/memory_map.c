// SPDX-License-Identifier: GPL-2.0-only
#include "machine/memory_map.h"

#include "arch/arch.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t type;
} type_names[] = {
	{ "System RAM", MEMORY_RAM },
	{ "Reserved", MEMORY_RESERVED },
	{ "ACPI Tables", MEMORY_ACPI },
	{ "ACPI Non-volatile Storage", MEMORY_NVS },
	{ "Unusable memory", MEMORY_UNUSABLE },
	{ "Persistent Memory", MEMORY_PMEM },
	{ "Persistent Memory (legacy)", MEMORY_PRAM },
	{ "Soft Reserved", MEMORY_SOFT_RESERVED },
};

#define NR_TYPE_NAMES (sizeof(type_names) / sizeof(type_names[0]))

bool memory_type_from_name(struct bytes name, uint32_t *type)
{
	for (size_t i = 0; i < NR_TYPE_NAMES; i++) {
		if (text_equals_nocase(name, type_names[i].name)) {
			*type = type_names[i].type;
			return true;
		}
	}
	*type = MEMORY_UNKNOWN;
	return text_equals_nocase(name, arch_unknown_memory);
}

int memory_map_add(struct memory_map *map, uint64_t start, uint64_t last, uint32_t type)
{
	struct memory_entry *entries;
	size_t count = map->count;

	if (last < start || last == UINT64_MAX)
		return -EINVAL;
	if (count >= MEMORY_MAP_MAX)
		return -E2BIG;
	if (!(count & (count - 1))) { /* full: capacity is always a power of two */
		entries = reallocarray(map->entries, count ? count * 2 : 1,
				       sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		map->entries = entries;
	}
	map->entries[map->count++] = (struct memory_entry){
		.addr = start,
		.size = last - start + 1,
		.type = type,
	};
	return 0;
}

const char *memory_map_strerror(int ret)
{
	switch (ret) {
	case -EINVAL:
		return "not a possible range";
	case -E2BIG:
		return "more entries than a machine can have";
	default:
		return errno_text(-ret);
	}
}

static int compare(const void *a, const void *b)
{
	const struct memory_entry *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

void memory_map_sort(struct memory_map *map)
{
	if (map->count)
		qsort(map->entries, map->count, sizeof(*map->entries), compare);
}

/* Borders between such entries are kept: each is a NUMA node or a device. */
static bool has_meaningful_borders(uint32_t type)
{
	return type == MEMORY_PRAM || type == MEMORY_SOFT_RESERVED;
}

void memory_map_merge(struct memory_map *map)
{
	size_t used = 0;

	for (size_t i = 0; i < map->count; i++) {
		struct memory_entry e = map->entries[i];
		struct memory_entry *last = used ? &map->entries[used - 1] : NULL;

		if (last && last->type == e.type && last->addr + last->size == e.addr &&
		    !has_meaningful_borders(e.type))
			last->size += e.size;
		else
			map->entries[used++] = e;
	}
	map->count = used;
}

int memory_map_copy(struct memory_map *to, const struct memory_map *from)
{
	if (!from->count)
		return 0;
	to->entries = calloc(from->count, sizeof(*from->entries));
	if (!to->entries)
		return -ENOMEM;
	memcpy(to->entries, from->entries, from->count * sizeof(*from->entries));
	to->count = from->count;
	return 0;
}

/*
 * True unless @map has memory of another kind in [@start, @end). @known: how many bytes of
 * it are in the map; entries of the same kind do not overlap.
 */
static bool has_only_reserved(const struct memory_map *map, uint64_t start, uint64_t end,
			      uint64_t *known)
{
	*known = 0;
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_entry *e = &map->entries[i];
		uint64_t last = e->addr + e->size;

		if (e->addr >= end || last <= start)
			continue;
		if (e->type != MEMORY_RESERVED && e->type != MEMORY_ACPI &&
		    e->type != MEMORY_NVS)
			return false;
		if (e->type == MEMORY_RESERVED)
			*known += (last < end ? last : end) -
				  (e->addr > start ? e->addr : start);
	}
	return true;
}

bool memory_set_aside(const struct memory_map *firmware, const struct memory_map *iomem,
		      uint64_t start, uint64_t end)
{
	uint64_t reserved, ignored;

	return has_only_reserved(iomem, start, end, &reserved) &&
	       (reserved >= end - start ||
		has_only_reserved(firmware, start, end, &ignored));
}

void memory_map_free(struct memory_map *map)
{
	free(map->entries);
	*map = (struct memory_map){ 0 };
}
