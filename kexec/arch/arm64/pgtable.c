// SPDX-License-Identifier: GPL-2.0-only
#include "arch/arm64/pgtable.h"

#include "base/units.h"

#include <errno.h>
#include <stdbool.h>

#define INDEX_BITS  9
#define PAGE_BITS   12
#define LAST_LEVEL  3
#define BLOCK_LEVEL 2

/* Bits of an entry: "Descriptor encodings" in DDI 0487. */
#define VALID	      (1ull << 0)
#define NOT_BLOCK     (1ull << 1) /* a table, or at the last level a page */
#define ATTR_INDEX(i) ((uint64_t)(i) << 2)
#define AP_READ_ONLY  (1ull << 7)
#define INNER_SHARED  (3ull << 8)
#define ACCESSED      (1ull << 10)
#define PXN	      (1ull << 53)
#define UXN	      (1ull << 54) /* XN at EL2 without VHE */
#define NEVER_RUN     (PXN | UXN)
#define ADDRESS_MASK  ((PGT_LIMIT - 1) & ~(PGT_PAGE - 1))

#define MAIR_NORMAL 0 /* purgatory's entry.S */
#define MAIR_DEVICE 1

static const uint64_t leaf_bits[] = {
	[PGT_READ_ONLY] =
		ATTR_INDEX(MAIR_NORMAL) | INNER_SHARED | AP_READ_ONLY | NEVER_RUN,
	[PGT_DEVICE] = ATTR_INDEX(MAIR_DEVICE) | NEVER_RUN,
	[PGT_DATA] = ATTR_INDEX(MAIR_NORMAL) | INNER_SHARED | NEVER_RUN,
	[PGT_CODE] = ATTR_INDEX(MAIR_NORMAL) | INNER_SHARED,
};

struct builder {
	struct pgt_pool pool;
	size_t used;
	unsigned int top; /* level of the root */
};

static struct range round_to_pages(struct range r)
{
	return (struct range){ align_down(r.start, PGT_PAGE), align_up(r.end, PGT_PAGE) };
}

/* Bytes that one entry of @level covers. */
static uint64_t entry_size(unsigned int level)
{
	return PGT_PAGE << INDEX_BITS * (LAST_LEVEL - level);
}

static uint64_t units_touched(struct range r, uint64_t size)
{
	return (r.end - 1) / size - r.start / size + 1;
}

size_t pgt_most_tables(struct range r)
{
	if (r.start > r.end || r.end > PGT_LIMIT)
		return 0;
	if (r.start == r.end)
		return 1; /* none, but 0 means an error */
	/* levels 1 and 2, and at level 3 the edges that are no whole block */
	return (size_t)(units_touched(r, entry_size(0)) +
			units_touched(r, entry_size(1)) + 2);
}

unsigned int pgt_va_bits(const struct pgt_map *maps, size_t nr)
{
	uint64_t end = 0;

	for (size_t i = 0; i < nr; i++)
		if (maps[i].range.end > end)
			end = maps[i].range.end;
	if (end > PGT_LIMIT)
		return 0;
	return end > entry_size(0) ? 48 : 39;
}

static uint64_t *table_at(const struct builder *b, uint64_t entry)
{
	return b->pool.tables +
	       ((entry & ADDRESS_MASK) - b->pool.addr) / PGT_PAGE * PGT_ENTRIES;
}

/* Returns the entry of a new table; 0: the pool has no page left. */
static uint64_t take_table(struct builder *b)
{
	if (b->used == b->pool.count)
		return 0;
	return (b->pool.addr + b->used++ * PGT_PAGE) | VALID | NOT_BLOCK;
}

static uint64_t leaf(uint64_t addr, unsigned int level, enum pgt_type type)
{
	return addr | leaf_bits[type] | ACCESSED | VALID |
	       (level == LAST_LEVEL ? NOT_BLOCK : 0);
}

/* Turns the block *@entry into a table of pages with the same attributes. */
static int split_block(struct builder *b, uint64_t *entry)
{
	uint64_t block = *entry, table = take_table(b), *pages;

	if (!table)
		return -ENOSPC;
	pages = table_at(b, table);
	for (size_t i = 0; i < PGT_ENTRIES; i++)
		pages[i] = (block + i * PGT_PAGE) | NOT_BLOCK;
	*entry = table;
	return 0;
}

/* Makes *@entry, above the last level, one of a table. */
static int step_down(struct builder *b, uint64_t *entry)
{
	if (*entry & VALID)
		return *entry & NOT_BLOCK ? 0 : split_block(b, entry);
	*entry = take_table(b);
	return *entry ? 0 : -ENOSPC;
}

/* Maps the part of @r at *@addr that one entry covers, and moves *@addr behind it. */
static int map_part(struct builder *b, struct range r, enum pgt_type type, uint64_t *addr)
{
	uint64_t *table = b->pool.tables;
	unsigned int level = b->top;

	for (;; level++) {
		uint64_t size = entry_size(level);
		uint64_t *entry = &table[*addr / size % PGT_ENTRIES];
		bool is_table = level < LAST_LEVEL && *entry & NOT_BLOCK;
		int ret;

		if (level == LAST_LEVEL || (level == BLOCK_LEVEL && !is_table &&
					    *addr % size == 0 && r.end - *addr >= size)) {
			*entry = leaf(*addr, level, type);
			*addr += size;
			return 0;
		}
		ret = step_down(b, entry);
		if (ret)
			return ret;
		table = table_at(b, *entry);
	}
}

int pgt_build(struct pgt_pool pool, unsigned int va_bits, const struct pgt_map *maps,
	      size_t nr)
{
	struct builder b = { .pool = pool, .top = va_bits > 39 ? 0 : 1 };

	if (!take_table(&b))
		return -ENOSPC;
	for (size_t i = 0; i < nr; i++) {
		struct range r = round_to_pages(maps[i].range);
		uint64_t addr = r.start;

		if (maps[i].range.start > maps[i].range.end || r.end > 1ull << va_bits ||
		    maps[i].range.end > PGT_LIMIT)
			return -EINVAL;
		while (addr < r.end) {
			int ret = map_part(&b, r, maps[i].type, &addr);

			if (ret)
				return ret;
		}
	}
	return 0;
}
