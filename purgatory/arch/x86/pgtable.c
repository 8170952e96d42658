// SPDX-License-Identifier: GPL-2.0-only
#include "pgtable.h"

#include <stddef.h>

#define ENTRIES	   512
#define INDEX_BITS 9
#define PAGE_BITS  12

#define PRESENT	 (1ULL << 0)
#define WRITE	 (1ULL << 1)
#define ACCESSED (1ULL << 5)
#define DIRTY	 (1ULL << 6)
#define LARGE	 (1ULL << 7)
#define NX	 (1ULL << 63)

/* Accessed and dirty are preset, so the CPU has no reason to write to the tables. */
#define TABLE_FLAGS	(PRESENT | WRITE | ACCESSED)
#define LEAF_FLAGS	(PRESENT | WRITE | ACCESSED | DIRTY | LARGE)
#define READ_ONLY_FLAGS (PRESENT | ACCESSED | LARGE)

#define ADDRESS_MASK   ((PGT_LIMIT - 1) & ~(PGT_PAGE_SIZE - 1))
#define ATTRIBUTE_MASK (((1ULL << 52) - 1) & ~(PGT_LIMIT - 1))

#define GIB	      (1ULL << 30) /* covered by one page directory */
#define PDPT_COVERAGE (512 * GIB)

/* Without maps: PML5, PML4, one PDPT, four page directories for the low 4 GiB. */
#define FIXED_PAGES (2 + 1 + 4)
/* Purgatory and pool are smaller than 1 GiB: each is in two tables of either kind. */
#define FLOATING_PAGES (2 * (2 + 2))
/* The whole address space with five levels: no set of maps needs more. */
#define ALL_PAGES (2 + PGT_LIMIT / PDPT_COVERAGE + PGT_LIMIT / GIB)

struct builder {
	const struct pgt_request *req;
	uint64_t used; /* pages taken from the pool */
	uint64_t root;
	int levels;
};

static uint64_t *table_at(struct pgt_memory memory, uint64_t addr)
{
	return (uint64_t *)(uintptr_t)(addr + memory.offset);
}

static bool map_is_sane(const struct purgatory_map *map)
{
	return map->start <= map->end && map->end <= PGT_LIMIT;
}

/* Returns how many tables, of @coverage bytes each, the range touches. */
static uint64_t tables_for(uint64_t start, uint64_t end, uint64_t coverage)
{
	return start < end ? (end - 1) / coverage - start / coverage + 1 : 0;
}

uint64_t purgatory_pgt_pages(const struct purgatory_map *maps, uint32_t nr)
{
	uint64_t pages = FIXED_PAGES + FLOATING_PAGES;

	for (uint32_t i = 0; i < nr; i++) {
		uint64_t start = maps[i].start, end = maps[i].end;

		if (!map_is_sane(&maps[i]))
			return 0;
		if (start < PGT_LOW_END)
			start = PGT_LOW_END;
		pages += tables_for(start, end, GIB);
		if (start < PDPT_COVERAGE)
			start = PDPT_COVERAGE;
		pages += tables_for(start, end, PDPT_COVERAGE);
		if (pages > ALL_PAGES)
			pages = ALL_PAGES;
	}
	return pages;
}

bool pgt_covers(const struct purgatory_map *maps, uint32_t nr, uint64_t addr,
		uint64_t size)
{
	uint64_t end;

	if (__builtin_add_overflow(addr, size, &end))
		return false;
	if (end <= PGT_LOW_END)
		return true;
	for (uint32_t i = 0; i < nr; i++)
		if (maps[i].start <= addr && end <= maps[i].end)
			return true;
	return false;
}

/* Takes the next page of the pool into *@page, after a check that it is zeroed. */
static enum pgt_result take_page(struct builder *b, uint64_t *page)
{
	const uint64_t *words;

	if (b->used == b->req->pages)
		return PGT_TOO_SMALL;
	*page = b->req->pool + b->used * PGT_PAGE_SIZE;
	words = table_at(b->req->memory, *page);
	for (size_t i = 0; i < ENTRIES; i++)
		if (words[i])
			return PGT_NOT_ZEROED;
	b->used++;
	return PGT_OK;
}

static uint64_t *entry_for(struct pgt_memory memory, uint64_t table, int level,
			   uint64_t addr)
{
	int shift = PAGE_BITS + INDEX_BITS * (level - 1);

	return table_at(memory, table) + (addr >> shift) % ENTRIES;
}

/* Maps the large page at @addr to itself, anew if it was. Level 2: page directory. */
static enum pgt_result map_large(struct builder *b, uint64_t addr, uint64_t flags)
{
	const struct pgt_request *req = b->req;
	uint64_t table = b->root;

	for (int level = b->levels; level > 2; level--) {
		uint64_t *entry = entry_for(req->memory, table, level, addr);

		if (!*entry) {
			enum pgt_result result = take_page(b, &table);

			if (result != PGT_OK)
				return result;
			*entry = table | TABLE_FLAGS | req->attributes;
		}
		table = *entry & ADDRESS_MASK;
	}
	*entry_for(req->memory, table, 2, addr) = addr | flags | req->attributes;
	return PGT_OK;
}

static enum pgt_result map_range(struct builder *b, uint64_t start, uint64_t end,
				 uint64_t flags)
{
	struct purgatory_map map = { start, end };

	if (!map_is_sane(&map))
		return PGT_BAD_MAP;
	if (start == end)
		return PGT_OK;
	for (start &= ~(PGT_LARGE_SIZE - 1); start < end; start += PGT_LARGE_SIZE) {
		enum pgt_result result = map_large(b, start, flags);

		if (result != PGT_OK)
			return result;
	}
	return PGT_OK;
}

/*
 * Maps the low 4 GiB, the maps, the purgatory and the pool below b->root. They come after
 * read-only memory, so what they share with it is writable.
 */
static enum pgt_result fill(struct builder *b)
{
	const struct pgt_request *req = b->req;
	uint64_t pool_end = req->pool + req->pages * PGT_PAGE_SIZE;
	uint64_t read_only = READ_ONLY_FLAGS | (req->no_execute ? NX : 0);
	enum pgt_result result = PGT_OK;

	for (size_t i = 0; i < PURGATORY_MAX_MEMORY && result == PGT_OK; i++)
		result = map_range(b, req->read_only[i].start, req->read_only[i].end,
				   read_only);
	if (result == PGT_OK)
		result = map_range(b, 0, PGT_LOW_END, LEAF_FLAGS);
	for (uint32_t i = 0; i < req->nr_maps && result == PGT_OK; i++)
		result = map_range(b, req->maps[i].start, req->maps[i].end, LEAF_FLAGS);
	if (result == PGT_OK)
		result = map_range(b, req->self.start, req->self.end, LEAF_FLAGS);
	/* The next kernel reads these tables if it changes the number of levels. */
	if (result == PGT_OK)
		result = map_range(b, req->pool, pool_end, LEAF_FLAGS);
	return result;
}

enum pgt_result pgt_build(const struct pgt_request *req, uint64_t *cr3)
{
	struct builder b = { .req = req, .levels = req->la57 ? 5 : 4 };
	enum pgt_result result;

	if (req->pool % PGT_PAGE_SIZE || req->pool > PGT_LIMIT ||
	    req->pages > (PGT_LIMIT - req->pool) / PGT_PAGE_SIZE)
		return PGT_UNALIGNED;
	result = take_page(&b, &b.root);
	if (result == PGT_OK)
		result = fill(&b);
	if (result == PGT_OK)
		*cr3 = b.root | req->attributes;
	return result;
}

uint64_t pgt_attributes(struct pgt_memory memory, uint64_t cr3, bool la57, uint64_t addr)
{
	uint64_t table = cr3 & ADDRESS_MASK;

	for (int level = la57 ? 5 : 4; level > 0; level--) {
		uint64_t entry = *entry_for(memory, table, level, addr);
		uint64_t size = PGT_PAGE_SIZE << INDEX_BITS * (level - 1);

		if (!(entry & PRESENT))
			return 0;
		table = entry & ADDRESS_MASK;
		if (level > 1 && !(entry & LARGE))
			continue;
		if ((table & ~(size - 1)) != (addr & ~(size - 1)))
			return 0;
		return entry & ATTRIBUTE_MASK;
	}
	return 0;
}
