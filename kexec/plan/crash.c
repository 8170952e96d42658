// SPDX-License-Identifier: GPL-2.0-only
#include "plan/crash.h"

#include "base/units.h"
#include "machine/e820.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Whatever memory there is: two pages of control code, which must be aligned to two, the
 * copy of vmcoreinfo, the two top levels of the tables; tables for EFI's and ACPI's
 * entries and a serial port in device memory, three each.
 */
#define FIXED_PAGES (3 + 1 + 2 + 3 * 3)

#define PUD_TABLE (512 * GIB) /* what one table of that level covers */
#define PMD_TABLE GIB

/* What the kernel's own map covers: memory of any kind that it can use. */
static bool is_mapped(uint32_t type)
{
	return type == E820_RAM || type == E820_PMEM || type == E820_PRAM ||
	       type == E820_SOFT_RESERVED;
}

/*
 * How many tables of that coverage RAM needs; with @partial only for what is less than
 * a whole one. Entries of a memory map that share a table are counted once.
 */
static uint64_t count_tables(const struct e820_map *map, uint64_t coverage, bool partial)
{
	uint64_t count = 0, next = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct boot_e820_entry *e = &map->entries[i];
		uint64_t first = e->addr / coverage;
		uint64_t last = (e->addr + e->size - 1) / coverage;

		if (!is_mapped(e->type) || last < next)
			continue;
		if (first < next)
			first = next;
		count += partial && last - first >= 2 ? 2 : last - first + 1;
		next = last + 1;
	}
	return count;
}

static uint64_t needed_pages(const struct e820_map *ram, bool gbpages)
{
	return FIXED_PAGES + count_tables(ram, PUD_TABLE, false) +
	       count_tables(ram, PMD_TABLE, gbpages);
}

uint64_t crash_hole_needed(const struct e820_map *ram, bool gbpages)
{
	return needed_pages(ram, gbpages) * PAGE;
}

uint64_t crash_hole_size(const struct e820_map *ram, bool gbpages)
{
	uint64_t pages = needed_pages(ram, gbpages);

	return (pages + FIXED_PAGES + pages / 8) * PAGE;
}

static int add_range(struct e820_map *map, struct range r, uint32_t type)
{
	/* the kernel leaves out what is less than a page */
	return range_size(r) < PAGE ? 0 : e820_add(map, r.start, r.end - 1, type);
}

static int add_type(struct e820_map *out, const struct e820_map *from, uint32_t type,
		    uint64_t end)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct boot_e820_entry *e = &from->entries[i];
		uint64_t last = e->addr + e->size - 1;
		int ret;

		if (e->type != type || e->addr >= end)
			continue;
		ret = e820_add(out, e->addr, last < end ? last : end - 1, type);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_crash(struct e820_map *out, const struct facts *facts,
		     struct range elfcorehdr)
{
	struct range below = { facts->crash.start, elfcorehdr.start };
	struct range above = { elfcorehdr.end, facts->crash.end };
	int ret = add_range(out, facts->crash_low, E820_RAM);

	if (!ret)
		ret = add_range(out, below, E820_RAM);
	if (!ret)
		ret = add_range(out, above, E820_RAM);
	for (size_t i = 0; !ret && i < facts->crash_cma.count; i++)
		ret = add_range(out, facts->crash_cma.items[i], E820_RAM);
	return ret;
}

int crash_e820(const struct facts *facts, struct range elfcorehdr, struct e820_map *out,
	       struct error *err)
{
	const struct e820_map *now = &facts->iomem;
	int ret;

	ret = add_type(out, now, E820_RAM, MIB);
	if (!ret)
		ret = add_type(out, now, E820_ACPI, UINT64_MAX);
	if (!ret)
		ret = add_type(out, now, E820_NVS, UINT64_MAX);
	if (!ret)
		ret = add_type(out, now, E820_RESERVED, UINT64_MAX);
	if (!ret)
		ret = add_crash(out, facts, elfcorehdr);
	return ret ? error_set(err, -ret, "memory map: %s", e820_strerror(ret)) : 0;
}

/* As Documentation/admin-guide/kernel-parameters.txt has them for memmap=. */
static char memmap_sign(uint32_t type)
{
	switch (type) {
	case E820_RAM:
		return '@';
	case E820_ACPI:
	case E820_NVS:
		return '#';
	default:
		return '$';
	}
}

static void print_words(FILE *to, uint64_t elfcorehdr, const char *cmdline,
			const struct e820_map *memmap)
{
	fprintf(to, "elfcorehdr=0x%llx %s", (unsigned long long)elfcorehdr,
		cmdline ? cmdline : "");
	if (memmap)
		fprintf(to, " memmap=exactmap");
	for (size_t i = 0; memmap && i < memmap->count; i++)
		fprintf(to, " memmap=0x%llx%c0x%llx",
			(unsigned long long)memmap->entries[i].size,
			memmap_sign(memmap->entries[i].type),
			(unsigned long long)memmap->entries[i].addr);
}

char *crash_cmdline(uint64_t elfcorehdr, const char *cmdline,
		    const struct e820_map *memmap)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	print_words(to, elfcorehdr, cmdline, memmap);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}
