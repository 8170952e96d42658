/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pgtable.h - the identity map for the purgatory and the next kernel's start.
 *
 * The loader computes how many pages the tables take and the purgatory builds them, from
 * the same source. Addresses are physical, sizes in bytes; nothing is allocated. Entries
 * have the layout of the Intel SDM, volume 3, section "Paging", and of the AMD64 APM,
 * volume 2, "Page Translation and Protection".
 */
#ifndef KS_PGTABLE_H
#define KS_PGTABLE_H

#include "purgatory_params.h"

#include <stdbool.h>
#include <stdint.h>

#define PGT_PAGE_SIZE  4096ULL
#define PGT_LARGE_SIZE (2ULL << 20) /* mapped by one leaf */
#define PGT_LOW_END    (4ULL << 30) /* always mapped */

/*
 * The map ends at 128 TiB: four levels cannot map more to itself, and the bits of an
 * entry from here on are free to show whether a page is encrypted (SEV: bit 47 or 51;
 * TDX: 47 or 51 for a shared page).
 */
#define PGT_ADDRESS_BITS 47
#define PGT_LIMIT	 (1ULL << PGT_ADDRESS_BITS)

enum pgt_result {
	PGT_OK = 0,
	PGT_UNALIGNED,	/* the pool is not page aligned, or out of reach */
	PGT_TOO_SMALL,	/* the pool ran out of pages */
	PGT_NOT_ZEROED, /* a page of the pool is in use */
	PGT_BAD_MAP,	/* a map is reversed or reaches above PGT_LIMIT */
};

/*
 * Access to physical memory: the byte at physical address A is at pointer A + offset. The
 * offset is 0 in the purgatory; tests use others.
 */
struct pgt_memory {
	uint64_t offset;
};

struct pgt_request {
	struct pgt_memory memory;
	uint64_t pool; /* first page for tables; all are zeroed */
	uint64_t pages;
	const struct purgatory_map *maps; /* rounded outwards to PGT_LARGE_SIZE */
	uint32_t nr_maps;
	/*
	 * Mapped read-only, and not executable if no_execute: where nothing else of this
	 * request is in the same PGT_LARGE_SIZE. Below PGT_LOW_END that is nowhere.
	 */
	const struct purgatory_map *read_only; /* PURGATORY_MAX_MEMORY ranges */
	bool no_execute;		       /* EFER.NXE is set */
	struct purgatory_map self; /* the purgatory, which runs on the tables */
	uint64_t attributes;	   /* goes into every entry: see pgt_attributes() */
	bool la57;		   /* five levels */
};

/*
 * Returns the most pages that pgt_build() can need, with four or five levels, for @nr
 * maps, the low 4 GiB, the purgatory and the pool itself, at any address of the latter
 * two. 0 if a map is reversed or reaches above PGT_LIMIT.
 */
uint64_t purgatory_pgt_pages(const struct purgatory_map *maps, uint32_t nr);

/* True if tables built for @nr @maps map @size bytes from @addr: low 4 GiB or one map. */
bool pgt_covers(const struct purgatory_map *maps, uint32_t nr, uint64_t addr,
		uint64_t size);

/*
 * Builds the tables in the pool. On PGT_OK *@cr3 is the value for CR3. Otherwise *@cr3 is
 * untouched and the pool's content is useless.
 */
enum pgt_result pgt_build(const struct pgt_request *req, uint64_t *cr3);

/*
 * Returns the bits above PGT_ADDRESS_BITS in the leaf that maps @addr to itself in the
 * tables at @cr3. In an encrypted guest every entry for private memory must carry them;
 * elsewhere they are 0. Also 0 if @addr is not mapped to itself there.
 */
uint64_t pgt_attributes(struct pgt_memory memory, uint64_t cr3, bool la57, uint64_t addr);

#endif
