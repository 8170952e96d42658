/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pgtable.h - the identity map that the purgatory runs on.
 *
 * The loader builds the tables, so that the purgatory has nothing to store before its MMU
 * is on. They map what the purgatory uses, to the page: the CPU may read ahead all that is
 * mapped, and memory next to it may be the firmware's. Stage 1, 4 KiB granule, blocks of
 * 2 MiB, no LPA2: "The AArch64 Virtual Memory System Architecture" in DDI 0487. Addresses
 * are physical, sizes in bytes.
 */
#ifndef KS_ARM64_PGTABLE_H
#define KS_ARM64_PGTABLE_H

#include "range.h"

#include <stddef.h>
#include <stdint.h>

#define PGT_PAGE    4096ull /* of the tables, not of the running kernel */
#define PGT_ENTRIES 512u    /* of a table, which fills a page */
#define PGT_LIMIT   (1ull << 48)

/* Never executable but PGT_CODE; indices of MAIR: purgatory's entry.S. */
enum pgt_type {
	PGT_READ_ONLY,
	PGT_DEVICE,
	PGT_DATA,
	PGT_CODE, /* writable, too */
};

struct pgt_map {
	struct range range; /* rounded outwards to PGT_PAGE */
	enum pgt_type type;
};

/* The tables: @count pages at physical address @addr, seen here at @tables. */
struct pgt_pool {
	uint64_t addr;
	uint64_t *tables; /* count * PGT_ENTRIES, zeroed */
	size_t count;
};

/*
 * Returns the most tables that pgt_build() takes for @r, without the root. 0: it reaches
 * above PGT_LIMIT.
 */
size_t pgt_most_tables(struct range r);

/* Returns the size of addresses that covers all @maps: 39 or 48 bits; 0: none does. */
unsigned int pgt_va_bits(const struct pgt_map *maps, size_t nr);

/*
 * Builds the tables; the root is the pool's first page. Where maps overlap, the last one
 * counts. 0; -EINVAL for a map above the 2^@va_bits; -ENOSPC if the pool is too small.
 */
int pgt_build(struct pgt_pool pool, unsigned int va_bits, const struct pgt_map *maps,
	      size_t nr);

#endif
